"""[environments.NAME]: what images are promoted to, in which order, and what is asked of them."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from keelway.config.registry import RepositoryPrefix
from keelway.config.section import Name, Section, Text
from keelway.tags.rules import parse_rule

_ONE_BRACE = re.compile(r"(?<!\{)\{(\w+)\}(?!\})")


def _checked(rule: str) -> str:
    found = _ONE_BRACE.search(rule)
    if found is not None:
        msg = f"{rule!r}: write {{{{{found[1]}}}}}, with two braces on each side"
        raise ValueError(msg)
    parse_rule(rule)
    return rule


class DemandsConfig(Section):
    """What an environment asks beyond `[verify]`."""

    builders: tuple[Text, ...] = ()
    """`builder.id`s that may have built what goes there, in place of those of `[verify]`."""
    sboms: tuple[Literal["spdx", "cyclonedx"], ...] = ()
    """SBOMs that must be there for each platform, besides those of `[verify]`."""
    max_scan_age_days: Annotated[int, Field(ge=1)] | None = None
    """How old the scan may be, where that is less than `[verify]` allows."""
    parameters: Mapping[Text, str] = {}
    """External parameters that the provenance must have, besides those of `[verify]`."""


class EnvironmentConfig(Section):
    """An environment, as promotion sees it: tags of a registry that name what it runs."""

    after: Name | None = None
    """The environment that an image comes from: it is promoted only when it has been there."""
    tags: Annotated[
        tuple[Annotated[str, AfterValidator(_checked)], ...],
        Field(min_length=1),
    ]
    """The tags that an image gets there, as rules in the form of `tags.rules`.

    `"staging"` is a tag as it stands, `"staging-{{sha}}"` is filled by what the image says of
    itself: its commit, its version, its time.
    """
    registries: tuple[RepositoryPrefix, ...] = ()
    """Where it is promoted to, each as `registries.url` is written; all of the configuration's
    registries when empty. What is elsewhere is copied there with its evidence.
    """
    demands: DemandsConfig = Field(default_factory=DemandsConfig)
    """What is asked of an image beyond `[verify]`."""
    approvals: Text | None = None
    """Who has to agree before, in words: shown by `--dry-run` and kept in the record."""
