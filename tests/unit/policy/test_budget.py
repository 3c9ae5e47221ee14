"""Budgets: what is over, and what the last release measured."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from keelway.model.platform import AMD64
from keelway.model.policy import ImageMeasure
from keelway.policy.budget import Budget, over_budget
from keelway.policy.released import parse_released, released_measures

MEASURE = ImageMeasure(
    image="orders", platform=AMD64, size_bytes=100_000_000, layers=5,
    largest_layer_bytes=60_000_000, wasted_bytes=2_000_000, compressed_bytes=40_000_000,
)  # fmt: skip


@pytest.mark.parametrize(
    ("size", "wasted", "efficiency"),
    [
        (100_000_000, 2_000_000, 0.98),
        (100, 0, 1.0),
        (3, 1, 0.6667),
        (100, 100, 0.0),
        (0, 0, 1.0),  # nothing in it, so nothing is wasted
    ],
)
def test_efficiency_is_the_part_that_no_later_layer_hides(
    size: int, wasted: int, efficiency: float
) -> None:
    measure = replace(MEASURE, size_bytes=size, wasted_bytes=wasted)
    assert measure.efficiency == efficiency


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        (Budget(size="99MB"), "the image has 100.0 MB, the budget is 99MB"),
        (Budget(size="100MB"), None),
        (Budget(size="95 MiB"), "the image has 100.0 MB, the budget is 95 MiB"),
        (Budget(layer="59MB"), "its largest layer has 60.0 MB, the budget is 59MB"),
        (Budget(wasted="1MB"), "replaced or removed files take 2.0 MB, the budget is 1MB"),
        (Budget(layers=4), "it has 5 layers, the budget is 4"),
        (Budget(layers=5), None),
        (Budget(growth="1%"), None),
    ],
)
def test_over(budget: Budget, said: str | None) -> None:
    assert over_budget(budget, MEASURE, None) == (() if said is None else (said,))


@pytest.mark.parametrize(
    ("growth", "grows"), [("9%", True), ("12%", False), ("9MB", True), ("11 MB", False)]
)
def test_growth_is_over_the_last_release(growth: str, *, grows: bool) -> None:
    released = replace(MEASURE, size_bytes=90_000_000)
    said = over_budget(Budget(growth=growth), MEASURE, released)
    assert [text.split(",")[0] for text in said] == (["it grew by 10.0 MB"] if grows else [])


def test_an_image_that_shrank_is_within_any_growth() -> None:
    released = replace(MEASURE, size_bytes=200_000_000)
    assert over_budget(Budget(growth="0%"), MEASURE, released) == ()


def report(**changed: object) -> str:
    whole: dict[str, object] = {
        "outcome": "ok",
        "published": [{}],
        "policy": {"measures": [asdict(MEASURE)]},
    }
    return json.dumps({**whole, **changed})


def test_a_release_leaves_its_measures() -> None:
    kept = released_measures(report())
    assert kept is not None
    assert parse_released(kept) == {("orders", AMD64): MEASURE}


@pytest.mark.parametrize(
    "text",
    [
        report(outcome="refused"), report(published=None), report(policy=None),
        report(policy={"measures": []}), report(policy={"measures": [{"image": "x"}]}),
        "", "[]", "{", '{"outcome": "ok"}',
    ],
)  # fmt: skip
def test_a_run_that_published_nothing_is_no_release(text: str) -> None:
    assert released_measures(text) is None


@pytest.mark.parametrize("text", ["", "[]", '{"measures": 3}', '{"measures": [3]}'])
def test_a_broken_file_of_measures_is_none(text: str) -> None:
    assert parse_released(text) == {}
