"""Rules and a commit -> the tags of a release, and why the other rules gave none.

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
from typing import TYPE_CHECKING, Literal, NamedTuple, assert_never

from keelway.tags.rules import TagRule, expressions, fill, parse_rule
from keelway.tags.semver import parse_semver

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.tags.commit import Commit

MAX_TAG_LENGTH = 128
DIRTY_SUFFIX = "-dirty"

_NOT_IN_TAGS = re.compile(r"[^a-zA-Z0-9._-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unused:
    """A rule that gave no tag, and why."""

    rule: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What a release is called."""

    tags: tuple[str, ...]
    """Highest priority first; `latest`, where it is added, comes last."""
    unused: tuple[Unused, ...]

    @property
    def version(self) -> str | None:
        """Return the first tag: the version that the labels carry."""
        return self.tags[0] if self.tags else None


@dataclass(slots=True)
class _Given:
    """What the rules gave so far."""

    tags: list[str] = field(default_factory=list)
    unused: list[Unused] = field(default_factory=list)
    latest: bool | None = None


class _Tag(NamedTuple):
    """A tag that a rule gives; `latest` tells whether it may be the newest release."""

    text: str
    latest: bool = False


class _No(NamedTuple):
    """A rule gives no tag."""

    reason: str


def name_release(
    rules: Sequence[str], commit: Commit | None, *, latest: Literal["auto"] | bool = "auto"
) -> Names:
    """Return the tags that the rules give for the commit.

    Args:
        rules: In docker/metadata-action's written form.
        commit: What is released; none outside of git, and then only fixed tags are left.
        latest: `"auto"` leaves it to the first rule that applies: git tags bring it.

    Raises:
        RuleError: When a rule cannot be understood.
    """
    parsed = sorted((parse_rule(rule) for rule in rules), key=lambda rule: -rule.priority)
    given = _Given()
    for rule in parsed:
        answer = _apply(rule, commit)
        text = "" if isinstance(answer, _No) else sanitize(answer.text)
        if isinstance(answer, _No):
            given.unused.append(Unused(rule=rule.text, reason=answer.reason))
        elif not text:
            given.unused.append(
                Unused(rule=rule.text, reason=f"nothing of {answer.text!r} may stand in a tag")
            )
        else:
            given.tags.append(text)
            given.latest = answer.latest if given.latest is None else given.latest
    add_latest = bool(given.latest) if latest == "auto" else latest
    tags = [*given.tags, *(["latest"] if add_latest and given.tags else [])]
    return Names(tags=tuple(dict.fromkeys(tags)), unused=tuple(given.unused))


def sanitize(text: str) -> str:
    """Return the text as a valid tag: other characters become `-`, at most 128 are kept."""
    return _NOT_IN_TAGS.sub("-", text).lstrip(".-")[:MAX_TAG_LENGTH]


def _apply(rule: TagRule, commit: Commit | None) -> _Tag | _No:
    if not rule.enable:
        return _No("enable=false")
    answer = _tag_of(rule, commit)
    if isinstance(answer, _No):
        return answer
    return _framed(rule, answer, commit)


def _tag_of(rule: TagRule, commit: Commit | None) -> _Tag | _No:
    match rule.kind:
        case "raw":
            return _filled(rule.value, commit)
        case "sha":
            return _sha(rule, commit)
        case "ref":
            return _ref(rule, commit)
        case "semver":
            return _semver(rule, commit)
        case _:
            assert_never(rule.kind)


def _framed(rule: TagRule, answer: _Tag, commit: Commit | None) -> _Tag | _No:
    """Return the tag between the rule's prefix and suffix."""
    text = answer.text
    for template, before in ((rule.prefix, True), (rule.suffix, False)):
        part = _filled(template, commit)
        if isinstance(part, _No):
            return part
        text = part.text + text if before else text + part.text
    return _Tag(text, answer.latest)


def _filled(template: str, commit: Commit | None) -> _Tag | _No:
    """Return the template with the commit's values."""
    wanted = expressions(template)
    if not wanted:
        return _Tag(template)
    if commit is None:
        return _No("there is no git commit")
    values = {"branch": commit.branch, "tag": commit.tag, "sha": commit.short_sha}
    known = {name: value for name, value in values.items() if value is not None}
    for name in wanted:
        if name not in known:
            return _No(f"the commit has no {name}")
    return _Tag(fill(template, known))


def _sha(rule: TagRule, commit: Commit | None) -> _Tag | _No:
    if commit is None:
        return _No("there is no git commit")
    sha = commit.sha if rule.format == "long" else commit.short_sha
    # What was changed since is not that commit, and its image must not claim to be.
    return _Tag(f"{sha}{DIRTY_SUFFIX}" if commit.dirty else sha)


def _ref(rule: TagRule, commit: Commit | None) -> _Tag | _No:
    if commit is None:
        return _No("there is no git commit")
    if rule.event == "branch":
        return _No("HEAD is detached") if commit.branch is None else _Tag(commit.branch)
    tag = _clean_tag(commit)
    return tag if isinstance(tag, _No) else _Tag(tag, latest=True)


def _clean_tag(commit: Commit | None) -> str | _No:
    if commit is None:
        return _No("there is no git commit")
    if commit.tag is None:
        return _No("the commit has no git tag")
    if commit.dirty:
        return _No(f"the working tree has changes that are not in {commit.tag}")
    return commit.tag


def _semver(rule: TagRule, commit: Commit | None) -> _Tag | _No:
    source = _semver_source(rule, commit)
    if isinstance(source, _No):
        return source
    if rule.match:
        found = re.search(rule.match, source)
        if found is None or found[1] is None:
            return _No(f"{source!r} does not match {rule.match!r}")
        source = found[1]
    version = parse_semver(source.replace("/", "-"))
    if version is None:
        return _No(f"{source!r} is not a semantic version")
    values = {
        "raw": version.raw,
        "version": version.text,
        "major": str(version.major),
        "minor": str(version.minor),
        "patch": str(version.patch),
    }
    if version.prerelease is None:
        return _Tag(fill(rule.pattern, values), latest=True)
    # A pre-release must not move the names of a whole line of releases, such as 1 or 1.2.
    pattern = rule.pattern if expressions(rule.pattern) == ["raw"] else "{{version}}"
    return _Tag(fill(pattern, values))


def _semver_source(rule: TagRule, commit: Commit | None) -> str | _No:
    if not rule.value:
        return _clean_tag(commit)
    filled = _filled(rule.value, commit)
    return filled if isinstance(filled, _No) else filled.text
