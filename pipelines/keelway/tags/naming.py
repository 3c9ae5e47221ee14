"""Rules and an occasion -> the tags of a release, and why the other rules gave none.

Example:
    >>> from datetime import UTC, datetime
    >>> from keelway.tags.commit import Commit
    >>> commit = Commit(sha="ab" * 20, committed_at=datetime(2026, 1, 1, tzinfo=UTC), tag="v1.2.3")
    >>> names = name_release(["type=semver,pattern={{version}}", "type=sha"], commit)
    >>> names.tags, names.version
    (('1.2.3', 'sha-abababa', 'latest'), '1.2.3')
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from keelway.tags.applying import DIRTY_SUFFIX, Given, Not, apply_rule
from keelway.tags.expressions import NothingKnownError, fill
from keelway.tags.flavor import Flavor
from keelway.tags.occasion import Occasion, occasion_of
from keelway.tags.rules import parse_rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from keelway.tags.commit import Commit
    from keelway.tags.versions import Version

__all__ = ["DIRTY_SUFFIX", "MAX_TAG_LENGTH", "NamedTag", "Names", "Unused", "name_release"]

MAX_TAG_LENGTH = 128
LATEST = "latest"

_NOT_IN_TAGS = re.compile(r"[^a-zA-Z0-9._-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unused:
    """A rule that gave no tag, and why."""

    rule: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedTag:
    """One tag, and how it came about."""

    tag: str
    rule: str
    """The first rule that gave it, as it is written; for `latest` what brought it."""
    notes: tuple[str, ...] = ()
    """What is worth knowing about it: what was changed to make it valid, for example."""
    version: Version | None = None
    """The version that it was made from."""
    floats: bool = False
    """Whether later releases take the tag over: `latest`, `1`, `1.2`."""
    whole_sha: bool = False
    """Whether it names one commit, by all its digits: no other image takes it over."""
    pattern: str = ""
    """The rule's pattern, where it was made from a version."""
    prefix: str = ""
    """What stands before the version; for `latest` that of the tag that brought it."""
    suffix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What a release is called."""

    tags: tuple[str, ...]
    """Highest priority first; `latest`, where it is added, comes last."""
    unused: tuple[Unused, ...]
    named: tuple[NamedTag, ...] = ()
    """The same tags, each with how it came about."""

    @property
    def version(self) -> str | None:
        """Return the first tag: the version that the labels carry."""
        return self.tags[0] if self.tags else None


@dataclass(slots=True)
class _Gathered:
    """What the rules gave so far."""

    named: dict[str, NamedTag] = field(default_factory=dict[str, NamedTag])
    unused: list[Unused] = field(default_factory=list[Unused])
    first: tuple[str, Given] | None = None
    """The first rule that gave a tag, and what it gave: it decides on `latest`."""


def name_release(
    rules: Sequence[str],
    release: Commit | Occasion | None,
    *,
    latest: Literal["auto"] | bool = "auto",
    flavor: Flavor | None = None,
) -> Names:
    """Return the tags that the rules give for the release.

    Args:
        rules: In docker/metadata-action's written form.
        release: What is released: the occasion, or only its commit; outside of git there is none,
            and then only fixed tags are left.
        latest: `"auto"` leaves it to the first rule that applies: git tags bring it.
        flavor: What all tags have in common; its own `latest` goes before the argument.

    Raises:
        RuleError: When a rule cannot be understood.
    """
    occasion = release if isinstance(release, Occasion) else occasion_of(release)
    flavor = flavor or Flavor()
    parsed = sorted((parse_rule(rule) for rule in rules), key=lambda rule: -rule.priority)
    gathered = _Gathered()
    for rule in parsed:
        answer = apply_rule(rule, occasion, flavor)
        if isinstance(answer, Not):
            gathered.unused.append(Unused(rule=rule.text, reason=answer.reason))
        else:
            _gather(gathered, rule.text, rule.pattern, answer)
    wanted = latest if flavor.latest == "auto" else flavor.latest
    if gathered.first is not None:
        _add_latest(gathered, gathered.first, wanted, occasion, flavor)
    return Names(
        tags=tuple(gathered.named),
        unused=tuple(gathered.unused),
        named=tuple(gathered.named.values()),
    )


def sanitize(text: str) -> str:
    """Return the text as a valid tag: other characters become `-`, at most 128 are kept.

    >>> sanitize("feature/a b"), sanitize("-x")
    ('feature-a-b', 'x')
    """
    return _NOT_IN_TAGS.sub("-", text).lstrip(".-")[:MAX_TAG_LENGTH]


def _gather(gathered: _Gathered, rule: str, pattern: str, answer: Given) -> None:
    tag = sanitize(answer.text)
    if not tag:
        why = (
            f"nothing of {answer.text!r} may stand in a tag" if answer.text else "it gives no text"
        )
        gathered.unused.append(Unused(rule=rule, reason=why))
        return
    if gathered.first is None:
        gathered.first = (rule, answer)
    if tag in gathered.named:
        why = f"it gives {tag} too, as {gathered.named[tag].rule} does"
        gathered.unused.append(Unused(rule=rule, reason=why))
        return
    gathered.named[tag] = NamedTag(
        tag=tag,
        rule=rule,
        notes=(*answer.notes, *_changes(answer.text, tag)),
        version=answer.version,
        floats=answer.floats,
        whole_sha=answer.whole_sha,
        pattern=pattern if answer.version is not None else "",
        prefix=answer.prefix,
        suffix=answer.suffix,
    )


def _changes(text: str, tag: str) -> Iterator[str]:
    """Tell what was changed to make the text a valid tag."""
    replaced = _NOT_IN_TAGS.sub("-", text)
    stripped = replaced.lstrip(".-")
    if replaced != text:
        yield f"{text!r} has characters that no tag may have"
    if stripped != replaced:
        yield f"{text!r} starts with what no tag may start with"
    if tag != stripped:
        yield f"cut to {MAX_TAG_LENGTH} of {len(stripped)} characters"


def _add_latest(
    gathered: _Gathered,
    first: tuple[str, Given],
    wanted: Literal["auto"] | bool,  # noqa: FBT001 -- a setting of three values
    occasion: Occasion,
    flavor: Flavor,
) -> None:
    rule, answer = first
    if not (answer.latest if wanted == "auto" else wanted):
        return
    try:
        prefix = fill(flavor.prefix, occasion) if flavor.prefix_latest else ""
        suffix = fill(flavor.suffix, occasion) if flavor.suffix_latest else ""
    except NothingKnownError as error:
        gathered.unused.append(Unused(rule="latest", reason=str(error)))
        return
    text = f"{prefix}{LATEST}{suffix}"
    tag = sanitize(text)
    gathered.named.setdefault(
        tag,
        NamedTag(
            tag=tag,
            rule="latest=true" if wanted is True else f"latest, which {rule} brings",
            notes=tuple(_changes(text, tag)),
            version=answer.version,
            floats=True,
            prefix=answer.prefix,
            suffix=answer.suffix,
        ),
    )
