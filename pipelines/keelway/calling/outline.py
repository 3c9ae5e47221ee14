"""What may follow in a call that is being typed. Pure, and without Dagger's SDK: a shell waits.

Example:
    >>> build = Outline(flags=(Flag(name="platform", choices=("linux/amd64",)),), functions={})
    >>> top = Outline(flags=(), functions={"build": "Build the images."})
    >>> outlines = {(): top, ("build",): build}
    >>> offers([], "b", outlines.get)
    [('build', 'Build the images.')]
    >>> offers(["build", "--platform"], "", outlines.get)
    [('linux/amd64', '')]
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Offer = tuple[str, str]
    """A word, and what it is for."""

    Path = tuple[str, ...]
    """Functions, one after the other, by their names on a command line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """An argument of a function, or an option of the call itself."""

    name: str
    """Without the dashes."""
    doc: str = ""
    required: bool = False
    many: bool = False
    """Whether it may be given several times."""
    alone: bool = False
    """Whether no value follows it."""
    choices: tuple[str, ...] = ()
    """The values that there are, where that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """What may stand behind a function."""

    flags: tuple[Flag, ...]
    """The function's own arguments."""
    functions: Mapping[str, str]
    """What can be called on what it gives, each with the first line of what it does."""


def offers(
    words: Sequence[str], incomplete: str, outline_of: Callable[[Path], Outline | None]
) -> list[Offer]:
    """Return what a word may become.

    Args:
        words: What stands before it, behind `keelway call`.
        incomplete: What is there of it.
        outline_of: What may stand behind functions; nothing where they cannot be called.
    """
    path: Path = ()
    outline = outline_of(path)
    given: set[str] = set()
    waiting: Flag | None = None
    for word in words:
        if outline is None:
            return []
        if waiting is not None:
            waiting = None
        elif word.startswith("-"):
            flag = _flag(word, outline)
            if flag is None:
                return []
            given.add(flag.name)
            waiting = None if flag.alone or "=" in word else flag
        else:
            path, given = (*path, word), given & set(_OWN)
            outline = outline_of(path)
    if outline is None:
        return []
    return _begun(_possible(outline, given, waiting, incomplete), incomplete)


def module_of(words: Sequence[str]) -> str | None:
    """Return the module that the words name, if they do."""
    for place, word in enumerate(words):
        name, separator, value = word.partition("=")
        if name in {"-m", "--mod"}:
            return value if separator else next(iter(words[place + 1 :]), None)
    return None


def to_data(outline: Outline) -> dict[str, object]:
    """Return an outline as JSON has it."""
    return asdict(outline)


def from_data(data: object) -> Outline | None:
    """Return an outline from JSON; nothing when it is none."""
    try:
        found = cast("dict[str, Any]", data)
        written = cast("list[dict[str, Any]]", found["flags"])
        flags = tuple(replace(Flag(**one), choices=tuple(one["choices"])) for one in written)
        return Outline(flags=flags, functions=dict(found["functions"]))
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _possible(
    outline: Outline, given: set[str], waiting: Flag | None, incomplete: str
) -> list[Offer]:
    if waiting is not None:
        return [(choice, "") for choice in waiting.choices]
    left = [flag for flag in outline.flags if flag.many or flag.name not in given]
    if incomplete.startswith("-"):
        left += [flag for name, flag in _OWN.items() if name not in given]
        return [(f"--{flag.name}", flag.doc) for flag in left]
    # A function that lacks an argument gives nothing that others could be called on.
    missing = [flag for flag in left if flag.required and flag.name not in given]
    if missing:
        return [(f"--{flag.name}", flag.doc) for flag in missing]
    return list(outline.functions.items())


def _begun(possible: Sequence[Offer], incomplete: str) -> list[Offer]:
    return [offer for offer in possible if offer[0].startswith(incomplete)]


def _flag(word: str, outline: Outline) -> Flag | None:
    name = word.partition("=")[0]
    name = name.removeprefix("--") if name.startswith("--") else _SHORT.get(name, "")
    own = next((flag for flag in outline.flags if flag.name == name), None)
    return own or _OWN.get(name)


_SHORT = {"-m": "mod", "-o": "output", "-j": "json", "-h": "help"}

_OWN: Mapping[str, Flag] = {
    flag.name: flag
    for flag in (
        Flag(name="mod", doc="The folder of a module."),
        Flag(name="output", doc="Where what it gives is saved."),
        Flag(name="json", doc="Print what it gives as data.", alone=True),
        Flag(name="engine", doc="What does the work.", choices=("auto", "local", "dagger")),
        Flag(
            name="progress",
            doc="How the work is told of.",
            choices=("auto", "tty", "plain", "json", "none"),
        ),
        Flag(name="help", doc="Tell of functions and arguments.", alone=True),
    )
}
"""The options of the call itself, which may stand anywhere in it."""
