"""Sizes as people write them."""

from __future__ import annotations

import pytest

from keelway.engine.errors import EngineError
from keelway.engine.sizes import parse_age, parse_size, show_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("12", 12),
        ("500MB", 500_000_000),
        ("500 mb", 500_000_000),
        ("2k", 2000),
        ("1.5GiB", 1_610_612_736),
        ("10%", 100),
        ("100%", 1000),
    ],
)
def test_what_means_a_size(text: str, size: int) -> None:
    assert parse_size(text, of=1000) == size


@pytest.mark.parametrize("text", ["", "much", "-1", "10 apples", "101%", "1e3", "%"])
def test_what_does_not(text: str) -> None:
    with pytest.raises(EngineError, match="is no size; write one such as"):
        parse_size(text, of=1000)


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2 * 10**9, "2.0 GB"), (10**16, "10000.0 TB")],
)
def test_sizes_for_people(size: int, text: str) -> None:
    assert show_size(size) == text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30m", 1800),
        ("12h", 43_200),
        ("7d", 604_800),
        ("1.5h", 5400),
        ("1d 12H", 129_600),
        ("0s", 0),
    ],
)
def test_what_means_an_age(text: str, seconds: int) -> None:
    assert parse_age(text) == seconds


@pytest.mark.parametrize("text", ["", "7", "d", "7 days", "-1h", "1h x"])
def test_what_means_none(text: str) -> None:
    with pytest.raises(EngineError, match="is no age; write one such as"):
        parse_age(text)
