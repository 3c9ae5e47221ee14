"""Whether an image may go to an environment, and what it is called there. Pure.

Example:
    >>> from keelway.model.image import Digest
    >>> from keelway.registry.describing import Described
    >>> new = Described(digest=Digest("sha256:aa"), labels={_VERSION: "1.2.0"})
    >>> old = Described(digest=Digest("sha256:bb"), labels={_VERSION: "1.1.9"})
    >>> is_older(old, new), is_older(new, old)
    (True, False)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from keelway.errors import GateError, PlanError
from keelway.tags.moving import Held, floating, hold_back
from keelway.tags.naming import name_release
from keelway.tags.occasion import GitRef, Occasion
from keelway.tags.rules import RuleError
from keelway.tags.versions import SCHEMES, read_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from keelway.model.image import Digest
    from keelway.model.promotion import PromotionRecord
    from keelway.model.registry import PublishedName
    from keelway.promotion.spec import EnvironmentSpec
    from keelway.registry.describing import Described
    from keelway.tags.moving import Floating

_VERSION = "org.opencontainers.image.version"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentNames:
    """What an image is called in an environment."""

    tags: tuple[str, ...]
    floating: tuple[Floating, ...]
    """Those that name a line of releases, and only move forward."""
    unused: tuple[str, ...]
    """Rules that give no tag for it, and why."""

    def held(self, present: Iterable[str]) -> tuple[Held, ...]:
        """Return the tags of lines that must stay where they are, by what a registry has."""
        return hold_back(self.floating, present)


@dataclass(frozen=True, slots=True)
class Refused:
    """A promotion that the rules do not allow."""

    lines: tuple[str, ...]
    passed: bool = False

    def reasons(self) -> tuple[str, ...]:
        """Return one line for each thing that speaks against it."""
        return self.lines


def occasion_of(image: Described, *, sha_length: int) -> Occasion:
    """Return what tag rules see of a published image: its own labels, not what is checked out."""
    version = image.version
    is_version = version is not None and any(
        read_version(scheme, version) is not None for scheme in SCHEMES
    )
    return Occasion(
        event="other",
        ref=GitRef(kind="tag", name=version) if version is not None and is_version else None,
        no_ref="the image's version is none that a git tag would have",
        sha=image.revision,
        no_sha="the image does not say which commit it was built from",
        committed_at=image.created,
        epoch=None if image.created is None else int(image.created.timestamp()),
        sha_length=sha_length,
    )


def names_in(
    environment: EnvironmentSpec, image: Described, published: PublishedName, *, sha_length: int
) -> EnvironmentNames:
    """Return what an image is called in an environment.

    Args:
        environment: Where it is, or goes.
        image: As its labels describe it.
        published: What it is called in registries: its tags have an end of their own there, where
            it shares the repository with others.
        sha_length: How many digits of the commit a short one has.

    Raises:
        PlanError: No rule gives a tag for it.
    """
    occasion = occasion_of(image, sha_length=sha_length)
    try:
        names = name_release(environment.tags, occasion, latest=False)
    except RuleError as error:
        raise PlanError(
            f"environments.{environment.name}.tags: {error}", next_step="correct the rule"
        ) from error
    unused = tuple(f"{one.rule}: {one.reason}" for one in names.unused)
    if not names.tags:
        raise PlanError(
            f"no tag of {environment.name} fits the image: {'; '.join(unused)}",
            next_step=f'add a tag that always does, as tags = ["{environment.name}"]',
        )
    return EnvironmentNames(
        tags=tuple(published.tag(tag) for tag in names.tags),
        floating=tuple(
            replace(one, tag=published.tag(one.tag), suffix=f"{one.suffix}{published.suffix}")
            for one in floating(names, image.version)
        ),
        unused=unused,
    )


def is_older(image: Described, other: Described) -> bool:
    """Return whether an image is older than another: by version, else by time, else it is not."""
    for scheme in SCHEMES:
        mine = read_version(scheme, image.version or "")
        theirs = read_version(scheme, other.version or "")
        if mine is not None and theirs is not None:
            return theirs.is_newer_than(mine)
    if image.created is None or other.created is None:
        return False
    return image.created < other.created


def check_order(
    image: Described,
    before: EnvironmentSpec,
    environment: str,
    *,
    records: Sequence[PromotionRecord],
    tagged: Mapping[str, Digest | None],
) -> str:
    """Return in words how an image has been in the environment before.

    Args:
        image: What is promoted.
        before: The environment that it must have been in.
        environment: Where it is to go.
        records: Its records; only signed ones count.
        tagged: What the tags of the environment before name.

    Raises:
        GateError: It has not been there.
    """
    for record in records:
        if record.signed and record.entry.environment == before.name:
            return f"was promoted to {before.name} on {record.entry.at:%Y-%m-%d %H:%M} UTC"
    for tag, digest in tagged.items():
        if digest == image.digest:
            return f"is in {before.name}, as {tag}"
    others = ", ".join(tagged) or "none"
    raise GateError(
        f"the image has not been in {before.name}, which comes before {environment}",
        verdict=Refused((f"no signed record of {before.name}, and none of its tags ({others})",)),
        next_step=f"promote it to {before.name} first",
    )


def check_age(
    image: Described, holders: Mapping[str, Described], environment: str, allowed: str | None
) -> tuple[str, ...]:
    """Return what there is to say about newer images that lose their tags.

    Args:
        image: What is promoted.
        holders: What the tags name now, by reference.
        environment: Where it is to go.
        allowed: Why an older image may go there; nothing where it may not.

    Raises:
        GateError: One of them is newer, and nobody said why it may go.
    """
    newer = {place: one for place, one in holders.items() if is_older(image, one)}
    if newer and not allowed:
        lines = tuple(
            f"{place} is {_called(one)}, which is newer than {_called(image)}"
            for place, one in newer.items()
        )
        raise GateError(
            f"{environment} would go back to an older version",
            verdict=Refused(lines),
            next_step="promote a newer image, or say why with --allow-older REASON",
        )
    return tuple(f"goes back from {_called(one)}: {allowed}" for one in newer.values())


def _called(image: Described) -> str:
    if image.version is not None:
        return image.version
    made = "" if image.created is None else f" of {image.created:%Y-%m-%d %H:%M}"
    return f"{image.digest[:19]}{made}"
