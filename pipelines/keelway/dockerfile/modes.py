"""The mode of `--chmod`: an octal number, or symbols as of chmod(1).

>>> oct(parse_mode("u=rwX,go=rX").applied(0o600, directory=True))
'0o755'
>>> oct(parse_mode("+x").applied(0o644, directory=False))
'0o755'
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from keelway.dockerfile.errors import SyntaxProblem

_OCTAL = re.compile(r"[0-7]+\Z")
_CLAUSE = re.compile(r"([ugoa]*)((?:[-+=](?:[ugo]|[rwxXst]*))+)\Z")
_ACTION = re.compile(r"([-+=])([ugo]|[rwxXst]*)")
_HIGHEST = 0o7777
_SHIFTS = {"u": 6, "g": 3, "o": 0}
_BITS = {"r": 4, "w": 2, "x": 1}
_SET_ID = {"u": 0o4000, "g": 0o2000}
_STICKY = 0o1000
_EXECUTE = 0o111


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One change of a mode: for whom, `-`, `+` or `=`, and which permissions."""

    who: str
    operator: str
    permissions: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """What `--chmod` says: a number, or changes of the mode that a file has."""

    number: int | None = None
    actions: tuple[Action, ...] = ()

    def applied(self, mode: int, *, directory: bool) -> int:
        """Return the permission bits that a file of this mode gets."""
        if self.number is not None:
            return self.number
        for action in self.actions:
            mode = _changed(mode, action, directory=directory)
        return mode


def parse_mode(text: str) -> Mode:
    """Return a mode as written.

    No `umask` is taken from symbols without a `who`: the result must not depend on the machine.

    Raises:
        SyntaxProblem: It is none.
    """
    if text.isdecimal():
        if not _OCTAL.match(text) or int(text, 8) > _HIGHEST:
            raise SyntaxProblem(
                f"invalid chmod parameter: '{text}'. it should be octal string and between 0 "
                "and 07777"
            )
        return Mode(number=int(text, 8))
    actions: list[Action] = []
    for clause in text.split(","):
        match = _CLAUSE.match(clause)
        if match is None:
            raise SyntaxProblem(
                f"invalid chmod parameter: '{text}'. it should be an octal number such as 755, "
                "or symbols such as u=rwX,go=rX"
            )
        who = match[1].replace("a", "ugo") or "ugo"
        actions.extend(
            Action(who=who, operator=operator, permissions=permissions)
            for operator, permissions in _ACTION.findall(match[2])
        )
    return Mode(actions=tuple(actions))


def _changed(mode: int, action: Action, *, directory: bool) -> int:
    bits = _bits(mode, action, directory=directory)
    if action.operator == "+":
        return mode | bits
    if action.operator == "-":
        return mode & ~bits
    return mode & ~_reach(action.who, directory=directory) | bits


def _reach(who: str, *, directory: bool) -> int:
    """Return the bits that `=` sets anew; a directory keeps its set-id bits, as of chmod(1)."""
    found = _STICKY if "o" in who else 0
    for name in set(who):
        found |= 0o7 << _SHIFTS[name]
        found |= 0 if directory else _SET_ID.get(name, 0)
    return found


def _bits(mode: int, action: Action, *, directory: bool) -> int:
    low = 0
    special = 0
    for char in action.permissions:
        if char in _SHIFTS:
            low |= mode >> _SHIFTS[char] & 0o7
        elif char == "X":
            low |= 1 if directory or mode & _EXECUTE else 0
        elif char == "s":
            special |= sum(_SET_ID.get(name, 0) for name in set(action.who))
        elif char == "t":
            special |= _STICKY
        else:
            low |= _BITS[char]
    return special | sum(low << _SHIFTS[name] for name in set(action.who))
