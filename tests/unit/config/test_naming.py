"""What images are called in a registry, and which image a name means."""

from __future__ import annotations

import pytest

from keelway.config import Config, ImageConfig, ProjectConfig
from keelway.config.naming import image_named, published_name, repositories_of

CONFIG = Config(
    project=ProjectConfig(name="shop"),
    images={
        "shop": ImageConfig(),
        "debug": ImageConfig(repository="shop", tag_suffix="-debug"),
        "more": ImageConfig(repository="shop", tag_suffix="-more-debug"),
        "worker": ImageConfig(repository="parts/worker"),
    },
)


def test_each_repository_is_there_once() -> None:
    assert repositories_of(CONFIG) == ("shop", "parts/worker")


@pytest.mark.parametrize(
    ("repository", "tag", "image"),
    [
        ("team/shop", "1.0", "shop"),
        ("team/shop", "1.0-debug", "debug"),
        ("team/shop", "1.0-more-debug", "more"),
        ("team/parts/worker", None, "worker"),
        ("team/worker", "1.0", None),
        ("team/workshop", "1.0", None),
        ("team/shop", None, None),  # it could be any of three
    ],
)
def test_an_image_is_known_by_its_repository_and_the_end_of_its_tag(
    repository: str, tag: str | None, image: str | None
) -> None:
    assert image_named(CONFIG, repository, tag) == image


def test_a_long_tag_is_cut_before_its_suffix() -> None:
    name = published_name(CONFIG, "debug")
    assert name.tag("b" * 200) == "b" * 122 + "-debug"
