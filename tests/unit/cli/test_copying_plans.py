"""What `keelway mirror` and `keelway restore` copy where."""

from __future__ import annotations

import pytest

from keelway._cli.copying import Copying, plan_copies
from keelway.config import Config, ImageConfig, ProjectConfig, RegistryConfig
from keelway.errors import PlanError
from keelway.recovery.spec import CopySpec

CONFIG = Config(
    project=ProjectConfig(name="shop"),
    images={"orders": ImageConfig(), "worker": ImageConfig()},
    registries=(
        RegistryConfig(url="ghcr.io/shop", fallback="quay.io/kept"),
        RegistryConfig(url="quay.io/shop", mirrors=("mirror.test/shop",)),
    ),
)


def _order(
    image: str | None = None,
    place: str | None = None,
    *tags: str,
    everything: bool = False,
    restoring: bool = False,
) -> Copying:
    return Copying(image=image, place=place, everything=everything, tags=tags, restoring=restoring)


def test_an_image_has_its_name_below_the_other_place() -> None:
    (spec,) = plan_copies(_order("ghcr.io/shop/orders:1.0", "mirror.test/x", "stable"), CONFIG)
    assert spec == CopySpec(
        source="ghcr.io/shop/orders",
        target="mirror.test/x/orders",
        what="1.0",
        tags=("1.0", "stable"),
    )


def test_the_name_is_what_follows_the_registry() -> None:
    (spec,) = plan_copies(_order("ghcr.io/shop/team/orders:1", "mirror.test"), CONFIG)
    assert spec.target == "mirror.test/team/orders"
    (spec,) = plan_copies(_order("elsewhere.test/team/orders:1", "mirror.test"), None)
    assert spec.target == "mirror.test/orders"


def test_by_digest_there_is_no_tag_but_those_that_are_asked_for() -> None:
    image = f"ghcr.io/shop/orders@sha256:{'0' * 64}"
    (spec,) = plan_copies(_order(image, "mirror.test"), CONFIG)
    assert (spec.what, spec.tags) == (f"sha256:{'0' * 64}", ())


@pytest.mark.parametrize(
    ("image", "source"),
    [
        ("ghcr.io/shop/orders:1", "quay.io/kept/orders"),
        ("quay.io/shop/orders:1", "mirror.test/shop/orders"),
    ],
)
def test_what_is_lost_comes_from_the_fall_back_or_a_mirror(image: str, source: str) -> None:
    (spec,) = plan_copies(_order(image, restoring=True), CONFIG)
    assert spec.source == source
    assert spec.target == image.removesuffix(":1")


def test_everything_is_each_image_of_the_first_registry() -> None:
    there = plan_copies(_order(place="mirror.test/x", everything=True), CONFIG)
    back = plan_copies(_order(everything=True, restoring=True), CONFIG)
    assert [(one.source, one.target) for one in there] == [
        ("ghcr.io/shop/orders", "mirror.test/x/orders"),
        ("ghcr.io/shop/worker", "mirror.test/x/worker"),
    ]
    assert [(one.source, one.target) for one in back] == [
        ("quay.io/kept/orders", "ghcr.io/shop/orders"),
        ("quay.io/kept/worker", "ghcr.io/shop/worker"),
    ]


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (_order(place="mirror.test"), "it is not said what is copied"),
        (_order("a.test/b:1", "c.test", everything=True), "it is not said what is copied"),
        (_order("a.test/b:1", "a.test"), "would be copied to itself"),
        (_order("https://a.test/b", "c.test"), "write it without https://"),
        (_order("a.test/b:1", "https://c.test"), "write it without https://"),
        (_order("elsewhere.test/b:1", restoring=True), "it is not said where the image is still"),
    ],
)
def test_what_cannot_be_meant_is_told(order: Copying, reason: str) -> None:
    with pytest.raises(PlanError, match=reason):
        plan_copies(order, CONFIG)
