"""Which rules are about which repository, and about which of the images in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from keelway.config import Config, ImageConfig, ProjectConfig, RegistryConfig
from keelway.config.environments import EnvironmentConfig
from keelway.config.retention import RetentionConfig, RetentionRule
from keelway.model.image import Digest
from keelway.retention.carrying_out import plan_retention
from keelway.retention.deciding import Protected, decide
from keelway.retention.inventory import Inventory, Item

NOW = datetime(2026, 3, 31, tzinfo=UTC)
REPOSITORY = "registry.test/team/shop"


def configured(*rules: RetentionRule) -> Config:
    """Return a project with three images in one repository, one of them without an end."""
    return Config(
        project=ProjectConfig(name="shop"),
        images={
            "shop": ImageConfig(),
            "testing": ImageConfig(repository="shop", tag_suffix="-testing"),
            "debug": ImageConfig(repository="shop", tag_suffix="-debug"),
        },
        registries=(RegistryConfig(url="registry.test/team"),),
        environments={"staging": EnvironmentConfig(tags=("staging",))},
        retention=RetentionConfig(rules=rules, keep_rollbacks=0),
    )


def inventory(*tags: str, **promoted: tuple[str, ...]) -> Inventory:
    """Return a repository whose tags name an image each, the first one the oldest."""
    return Inventory(
        repository=REPOSITORY,
        tags={tag: Digest(tag) for tag in tags},
        items={
            Digest(tag): Item(
                digest=Digest(tag), kind="index", at=NOW - timedelta(days=len(tags) - age)
            )
            for age, tag in enumerate(tags)
        },
        promoted={
            ("staging", image): tuple(Digest(one) for one in digests)
            for image, digests in promoted.items()
        },
    )


def going(
    config: Config, found: Inventory, *images: str, tags: dict[str, str] | None = None
) -> set[str]:
    """Return the tags that would go."""
    spec = plan_retention(config, images=images, protected=Protected(tags=tags or {}))
    plan = decide(found, spec.repositories[REPOSITORY], spec.protected, now=NOW, grace=spec.grace)
    return {tag for one in plan.delete for tag in one.tags}


RELEASES = ("1", "1-testing", "1-debug", "2", "2-testing", "2-debug")


def test_images_of_one_repository_are_counted_each_by_itself() -> None:
    config = configured(RetentionRule(tags=("*",), keep_last=1))
    assert going(config, inventory(*RELEASES)) == {"1", "1-testing", "1-debug"}


@pytest.mark.parametrize(
    ("about", "asked", "gone"),
    [
        (("testing",), (), {"1-testing"}),
        (("shop",), (), {"1"}),
        ((), ("debug",), {"1-debug"}),
        (("testing", "debug"), ("shop", "debug"), {"1-debug"}),
        (("testing",), ("shop",), set[str]()),
    ],
)
def test_a_rule_of_some_images_leaves_the_others_of_their_repository(
    about: tuple[str, ...], asked: tuple[str, ...], gone: set[str]
) -> None:
    config = configured(RetentionRule(tags=("*",), images=about, keep_last=1))
    assert going(config, inventory(*RELEASES), *asked) == gone


def test_what_environments_have_is_known_by_the_ends_of_its_tags() -> None:
    tags = ("staging", "staging-testing", "1-testing", "staging-other")
    everything = configured(RetentionRule(tags=("*",), keep_last=0))
    protected = {"staging": "it is what staging has"}
    assert going(everything, inventory(*tags), tags=protected) == {"1-testing", "staging-other"}
    about_it = configured(RetentionRule(environment="staging", keep_last=0))
    assert going(about_it, inventory(*tags)) == {"staging", "staging-testing"}


def test_a_rollback_needs_what_was_promoted_of_each_image() -> None:
    config = configured(RetentionRule(tags=("*",), keep_last=0))
    found = inventory(*RELEASES, shop=("2", "1"), testing=("2-testing", "1-testing"))
    assert going(config, found) == {"1", "1-testing", "1-debug", "2-debug"}
