"""Names that only move forward: `latest`, `1` and `1.2` never go back, nor to a pre-release.

Example:
    >>> from keelway.tags.naming import name_release
    >>> from keelway.tags.occasion import GitRef, Occasion
    >>> patch = Occasion(ref=GitRef(kind="tag", name="v1.9.4"))
    >>> rules = ["type=semver,pattern={{version}}", "type=semver,pattern={{major}}.{{minor}}"]
    >>> names = name_release(rules, patch)
    >>> [held.tag for held in hold_back(floating(names, "v1.9.4"), ["1.9.3", "2.0.0"])]
    ['latest']
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.tags.expressions import GLOBAL
from keelway.tags.naming import LATEST, sanitize
from keelway.tags.template import calls, render
from keelway.tags.versions import read_version

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keelway.tags.naming import NamedTag, Names
    from keelway.tags.versions import Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Floating:
    """A tag that names a line of releases, and the release that wants it."""

    tag: str
    version: Version
    pattern: str = ""
    """How the line's name is made of a version; empty for `latest`, whose line is all of them."""
    prefix: str = ""
    suffix: str = ""

    def rival(self, present: str) -> Version | None:
        """Return the release that a registry's tag names, if it is one of this line."""
        if not present.startswith(self.prefix) or not present.endswith(self.suffix):
            return None
        text = present[len(self.prefix) : len(present) - len(self.suffix)]
        found = read_version(self.version.scheme, text)
        if found is None or not found.stable or not _is_whole(found):
            return None
        return found if not self.pattern or self._line(found) == self.tag else None

    def _line(self, version: Version) -> str:
        return sanitize(f"{self.prefix}{_filled(self.pattern, version)}{self.suffix}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A tag that stays where it is, and why."""

    tag: str
    reason: str


def floating(names: Names, git_tag: str | None) -> tuple[Floating, ...]:
    """Return the tags of a release that later ones take over, as far as its version is known.

    Args:
        names: What the rules gave.
        git_tag: The git tag that is released: its version counts where a rule does not tell one.
    """
    return tuple(found for named in names.named if (found := _floating(named, git_tag)))


def hold_back(wanted: Iterable[Floating], present: Iterable[str]) -> tuple[Held, ...]:
    """Return the tags that must stay where they are.

    Args:
        wanted: The tags that a release would move.
        present: All tags of the repository.
    """
    tags = tuple(present)
    return tuple(held for one in wanted if (held := _held(one, tags)) is not None)


def _held(one: Floating, present: tuple[str, ...]) -> Held | None:
    version = one.version.values["version"]
    if not one.version.stable:
        return Held(tag=one.tag, reason=f"{version} is a pre-release, and {one.tag} never is one")
    rivals = [(rival, tag) for tag in present if (rival := one.rival(tag)) is not None]
    newest: tuple[Version, str] | None = None
    for rival, tag in rivals:
        if rival.is_newer_than(one.version if newest is None else newest[0]):
            newest = (rival, tag)
    if newest is None:
        return None
    return Held(tag=one.tag, reason=f"the registry has {newest[1]}, which is newer than {version}")


def _floating(named: NamedTag, git_tag: str | None) -> Floating | None:
    is_latest = named.tag == LATEST or (named.floats and not named.pattern)
    version = named.version
    if version is None and is_latest and git_tag is not None:
        version = read_version("semver", git_tag) or read_version("pep440", git_tag)
    if version is None or not (named.floats or is_latest):
        return None
    return Floating(
        tag=named.tag,
        version=version,
        pattern="" if is_latest else named.pattern,
        prefix=named.prefix,
        suffix=named.suffix,
    )


def _is_whole(version: Version) -> bool:
    """Return whether a text names one release, and no line of them.

    `1.2` is a line to semver, which does not read it; to PEP 440 it could be both, and a line is
    no proof of a newer release than those that are there with their whole number.
    """
    return version.scheme == "semver" or version.values["version"].count(".") > 1


def _filled(pattern: str, version: Version) -> str:
    """Return the pattern for another version; what else it holds is not known of that one."""
    if any(call.name in GLOBAL for call in calls(pattern)):
        return ""
    return render(pattern, lambda call: version.values[call.name])
