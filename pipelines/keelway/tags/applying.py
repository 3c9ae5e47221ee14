"""One rule and the occasion -> the tag that the rule gives, or why it gives none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.tags.expressions import NothingKnownError, fill
from keelway.tags.patterns import compile_pattern, groups
from keelway.tags.rules import RuleError
from keelway.tags.template import is_only
from keelway.tags.versions import SCHEMES, Version, read_version

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keelway.tags.flavor import Flavor
    from keelway.tags.occasion import Occasion
    from keelway.tags.rules import Kind, TagRule
    from keelway.tags.versions import Scheme

DIRTY_SUFFIX = "-dirty"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A tag as a rule gives it, before it is made valid."""

    text: str
    latest: bool = False
    """Whether the rule's kind brings `latest` with it."""
    notes: tuple[str, ...] = ()
    version: Version | None = None
    """The version that it was made from."""
    floats: bool = False
    """Whether the tag names a line of versions, such as `1.2`, and not one of them."""
    whole_sha: bool = False
    """Whether the tag names one commit, by all its digits."""
    prefix: str = ""
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Not:
    """A rule gives no tag."""

    reason: str


def apply_rule(rule: TagRule, occasion: Occasion, flavor: Flavor) -> Given | Not:
    """Return the tag of a rule.

    Raises:
        RuleError: When `enable` is neither true nor false in the end.
    """
    try:
        enabled = fill(rule.enable, occasion)
        if enabled not in {"true", "false"}:
            raise RuleError(
                f"{rule.text}: enable={rule.enable} is {enabled!r} here, and takes true or false"
            )
        if enabled == "false":
            return Not(f"enable={rule.enable}" + ("" if rule.enable == "false" else " is false"))
        answer = _KINDS[rule.kind](rule, occasion)
        return answer if isinstance(answer, Not) else _framed(rule, answer, occasion, flavor)
    except NothingKnownError as error:
        return Not(str(error))


def _framed(rule: TagRule, answer: Given, occasion: Occasion, flavor: Flavor) -> Given:
    """Return the tag between the rule's prefix and suffix, or the flavor's."""
    prefix = fill(flavor.prefix if rule.prefix is None else rule.prefix, occasion)
    suffix = fill(flavor.suffix if rule.suffix is None else rule.suffix, occasion)
    return Given(
        text=f"{prefix}{answer.text}{suffix}",
        latest=answer.latest,
        notes=answer.notes,
        version=answer.version,
        floats=answer.floats,
        whole_sha=answer.whole_sha,
        prefix=prefix,
        suffix=suffix,
    )


def _schedule(rule: TagRule, occasion: Occasion) -> Given | Not:
    if occasion.event != "schedule":
        return Not("this is no scheduled run")
    return Given(text=fill(rule.pattern, occasion))


def _versioned(rule: TagRule, occasion: Occasion) -> Given | Not:
    scheme: Scheme = "semver" if rule.kind == "semver" else "pep440"
    source = _source(rule, occasion)
    if isinstance(source, Not):
        return source
    source, notes = _matched(rule, source)
    source = source.replace("/", "-")
    version = read_version(scheme, source)
    if version is None:
        return Not("; ".join((*notes, f"{source!r} is not a {SCHEMES[scheme]}")))
    # What is no plain release must not move the names of a whole line of them, such as 1 or 1.2.
    pattern = rule.pattern if version.stable or is_only(rule.pattern, "raw") else "{{version}}"
    if pattern != rule.pattern:
        notes = (*notes, f"{source} is no plain release, so its whole version is taken")
    text = fill(pattern, occasion, version.values)
    whole = {version.values["raw"], version.values["version"]}
    floats = version.stable and not any(part in text for part in whole)
    return Given(text=text, latest=version.stable, notes=notes, version=version, floats=floats)


def _matched(rule: TagRule, source: str) -> tuple[str, tuple[str, ...]]:
    """Return the part that `match` asks for; all of it where it does not match."""
    if not rule.match:
        return source, ()
    found = groups(compile_pattern(rule.match, delimited=False), source)
    part = None if found is None else found[1]
    if part is None:
        return source, (f"{source!r} does not match {rule.match!r}",)
    return part, ()


def _match(rule: TagRule, occasion: Occasion) -> Given | Not:
    source = _source(rule, occasion)
    if isinstance(source, Not):
        return source
    found = groups(compile_pattern(rule.pattern), source)
    if found is None:
        return Not(f"{source!r} does not match {rule.pattern!r}")
    group = int(rule.group)
    part = found[group] if group < len(found) else None
    if part is None:
        return Not(f"there is no group {group} where {rule.pattern!r} matches {source!r}")
    return Given(text=part, latest=True)


def _source(rule: TagRule, occasion: Occasion) -> str | Not:
    return fill(rule.value, occasion) if rule.value else _git_tag(occasion)


def _git_tag(occasion: Occasion) -> str | Not:
    """Return the git tag that the release is made for."""
    ref, over = occasion.ref, occasion.passed_over
    tag = next((one for one in (ref, over) if one is not None and one.kind == "tag"), None)
    if tag is not None and occasion.dirty:
        return Not(f"the working tree has changes that are not in {tag.name}")
    if tag is not None and tag is ref:
        return tag.name
    if ref is not None and tag is not None:
        return Not(f"this is {ref}, which goes before {tag}")
    if ref is None:
        return Not(occasion.no_sha if occasion.sha is None else "the commit has no git tag")
    return Not("the commit has no git tag" if ref.kind == "branch" else f"this is {ref}")


def _edge(rule: TagRule, occasion: Occasion) -> Given | Not:
    branch = _branch(occasion)
    if isinstance(branch, Not):
        return branch
    wanted = rule.branch or occasion.default_branch
    if wanted is None:
        return Not("the default branch is not known here: set tags.default_branch to its name")
    if branch != wanted:
        return Not(f"the branch is {branch}, and not {wanted}")
    return Given(text="edge")


def _branch(occasion: Occasion) -> str | Not:
    if occasion.ref is None:
        return Not(occasion.no_sha if occasion.sha is None else "HEAD is detached")
    if occasion.ref.kind == "branch":
        return occasion.ref.name
    over = occasion.passed_over
    also = "" if over is None else f", which goes before {over}"
    return Not(f"this is {occasion.ref}{also}")


def _ref(rule: TagRule, occasion: Occasion) -> Given | Not:
    if rule.event == "branch":
        branch = _branch(occasion)
        return branch if isinstance(branch, Not) else Given(text=branch)
    if rule.event == "tag":
        tag = _git_tag(occasion)
        return tag if isinstance(tag, Not) else Given(text=tag, latest=True)
    if occasion.ref is None or occasion.ref.kind != "pull_request":
        return Not("this is no pull request")
    return Given(text=occasion.ref.name)


def _raw(rule: TagRule, occasion: Occasion) -> Given | Not:
    return Given(text=fill(rule.value, occasion))


def _sha(rule: TagRule, occasion: Occasion) -> Given | Not:
    if occasion.sha is None:
        return Not(occasion.no_sha)
    sha = occasion.sha if rule.format == "long" else occasion.short_sha
    if not occasion.dirty:
        return Given(text=sha, whole_sha=rule.format == "long")
    # What was changed since is not that commit, and its image must not claim to be.
    note = "the working tree has changes that are not in the commit"
    return Given(text=f"{sha}{DIRTY_SUFFIX}", notes=(note,))


_KINDS: Mapping[Kind, Callable[[TagRule, Occasion], Given | Not]] = {
    "schedule": _schedule,
    "semver": _versioned,
    "pep440": _versioned,
    "match": _match,
    "edge": _edge,
    "ref": _ref,
    "raw": _raw,
    "sha": _sha,
}
