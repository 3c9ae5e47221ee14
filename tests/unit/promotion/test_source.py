"""Which image a promotion means, and what it is called in registries."""

from __future__ import annotations

import pytest

from keelway.config import Config, ImageConfig, ProjectConfig, RegistryConfig
from keelway.errors import PlanError
from keelway.promotion.source import find_source

DIGEST = "sha256:" + "ab" * 32
CONFIG = Config(
    project=ProjectConfig(name="shop"),
    images={
        "orders": ImageConfig(),
        "worker": ImageConfig(repository="parts/worker"),
        "production": ImageConfig(repository="shop", tag_suffix="-production"),
        "testing": ImageConfig(repository="shop", tag_suffix="-testing"),
    },
    registries=(RegistryConfig(url="registry.test/team"), RegistryConfig(url="other.test")),
)


@pytest.mark.parametrize(
    ("written", "reference", "image", "suffix"),
    [
        ("orders:1.2", "registry.test/team/orders:1.2", "orders", ""),
        ("orders", "registry.test/team/orders:latest", "orders", ""),
        ("worker:1.2", "registry.test/team/parts/worker:1.2", "worker", ""),
        ("testing:1.2", "registry.test/team/shop:1.2-testing", "testing", "-testing"),
        ("testing:1.2-testing", "registry.test/team/shop:1.2-testing", "testing", "-testing"),
        (f"testing@{DIGEST}", f"registry.test/team/shop@{DIGEST}", "testing", "-testing"),
        ("other.test/shop:1.2-production", None, "production", "-production"),
        (f"other.test/shop:1-testing@{DIGEST}", None, "testing", "-testing"),
        ("far.test/x/parts/worker:3", None, "worker", ""),
        ("far.test/x/nobodys:3", None, "nobodys", ""),
    ],
)
def test_an_image_is_found_by_its_name_or_where_it_is_published(
    written: str, reference: str | None, image: str, suffix: str
) -> None:
    found = find_source(CONFIG, written)
    assert str(found.reference) == (reference or written)
    assert (found.image, found.published.suffix) == (image, suffix)


@pytest.mark.parametrize("rest", ["", ":1.2", f"@{DIGEST}"])
def test_what_could_be_several_images_is_refused_with_how_to_say_which(rest: str) -> None:
    with pytest.raises(PlanError, match="could be any of production, testing") as caught:
        find_source(CONFIG, f"registry.test/team/shop{rest}")
    assert caught.value.next_step == f"say which: production{rest or ':latest'}"


def test_without_a_configuration_a_reference_is_taken_as_it_is() -> None:
    found = find_source(None, "far.test/x/orders:3")
    assert (str(found.reference), found.image) == ("far.test/x/orders:3", "orders")
