"""`RUN --mount`: the options as written, and what they mean once variables are replaced."""

from __future__ import annotations

import csv
import posixpath
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from keelway.dockerfile.errors import SyntaxProblem
from keelway.dockerfile.flags import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

_KINDS = {"bind", "cache", "tmpfs", "secret", "ssh"}
_TARGET = {"target", "dst", "destination"}
_OPTIONS = {
    "bind": {"source", "src", "from", "rw", "readwrite", "ro", "readonly"},
    "cache": {
        "id", "source", "src", "from", "sharing", "mode", "uid", "gid",
        "rw", "readwrite", "ro", "readonly",
    },
    "tmpfs": {"size", "rw", "readwrite"},
    "secret": {"id", "source", "src", "env", "required", "mode", "uid", "gid"},
    "ssh": {"id", "source", "src", "required", "mode", "uid", "gid"},
}  # fmt: skip
_BARE = {"rw", "readwrite", "ro", "readonly", "required"}
"""Options that stand alone or have `true` or `false`."""
_SHARING = {"shared", "private", "locked"}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgtp]?)(?:i?b)?\Z", re.IGNORECASE)
_OCTAL = 8
_UNITS = ["", "k", "m", "g", "t", "p"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MountText:
    """One `--mount` as written: its kind, and its options in order."""

    text: str
    kind: str
    options: tuple[tuple[str, str | None], ...]

    @property
    def from_(self) -> str:
        """Return where a `bind` or `cache` takes its contents from; "" for the default."""
        return next((value or "" for name, value in self.options if name == "from"), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMount:
    """One `--mount`, decided."""

    kind: str
    """`bind`, `cache`, `tmpfs`, `secret` or `ssh`."""
    target: str = ""
    source: str = ""
    from_: str = ""
    id: str = ""
    readonly: bool = False
    sharing: str = "shared"
    required: bool = False
    env: str = ""
    """The variable that takes a secret's value."""
    size_bytes: int = 0
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None


def parse_mount(text: str) -> MountText:
    """Return a `--mount` flag's value, cut into options.

    Raises:
        SyntaxProblem: An option is unknown, lacks its value, or a constant value is wrong.
    """
    try:
        fields: list[str] = next(csv.reader([text], strict=True), list[str]())
    except csv.Error as error:
        raise SyntaxProblem(f"cannot read the mount '{text}': {error}") from None
    options = tuple(_option(one, text) for one in fields)
    kind = next((value or "" for name, value in options if name == "type"), "bind").lower()
    if kind not in _KINDS:
        raise SyntaxProblem(f'unsupported mount type "{kind}"{did_you_mean(kind, _KINDS)}')
    rest = tuple(option for option in options if option[0] != "type")
    for name, _ in rest:
        if name not in _OPTIONS[kind] | _TARGET:
            raise SyntaxProblem(_unexpected(name, kind, text))
    mount = MountText(text=text, kind=kind, options=rest)
    if "$" in mount.from_:
        raise SyntaxProblem(
            f"'from={mount.from_}' doesn't support variable expansion, define alias stage instead"
        )
    if "$" not in text:
        resolve_mount(mount, lambda word: word)
    return mount


def _option(text: str, whole: str) -> tuple[str, str | None]:
    name, equals, value = text.strip().partition("=")
    name = name.lower()
    if not equals and name not in _BARE:
        raise SyntaxProblem(f"invalid field '{text}' in '{whole}': must be a key=value pair")
    return name, value if equals else None


def _unexpected(name: str, kind: str, text: str) -> str:
    if any(name in options for options in _OPTIONS.values()):
        return f'"{name}" is not allowed for "{kind}" type mounts'
    near = did_you_mean(name, _OPTIONS[kind] | _TARGET | {"type"})
    return f"unexpected key '{name}' in '{text}'{near}"


def resolve_mount(mount: MountText, expand: Callable[[str], str]) -> RunMount:
    """Return what a mount means; `expand` replaces the variables in a value.

    Raises:
        SyntaxProblem: A value is wrong, or something that the kind needs is missing.
    """
    values: dict[str, str] = {}
    for name, value in mount.options:
        values[_canonical(name)] = "true" if value is None else expand(value)
    found = RunMount(
        kind=mount.kind,
        target=values.get("target", ""),
        source=values.get("source", ""),
        from_=values.get("from", ""),
        id=values.get("id", ""),
        readonly=_is_readonly(mount, values),
        sharing=_sharing(values.get("sharing", "shared")),
        required=_boolean("required", values.get("required", "false")),
        env=values.get("env", ""),
        size_bytes=_size(values["size"]) if "size" in values else 0,
        mode=_number("mode", values, _OCTAL),
        uid=_number("uid", values, 10),
        gid=_number("gid", values, 10),
    )
    return _with_names(found)


def _canonical(name: str) -> str:
    if name in _TARGET:
        return "target"
    return {"src": "source", "rw": "readwrite", "ro": "readonly"}.get(name, name)


def _is_readonly(mount: MountText, values: dict[str, str]) -> bool:
    """Return whether a mount can't be written; the last of `ro` and `rw` decides."""
    answer = mount.kind == "bind"
    for name, _ in mount.options:
        canonical = _canonical(name)
        if canonical == "readonly":
            answer = _boolean(name, values[canonical])
        elif canonical == "readwrite":
            answer = not _boolean(name, values[canonical])
    return answer


def _with_names(mount: RunMount) -> RunMount:
    """Return the mount with the names that follow from others, or say what is missing."""
    if mount.kind in {"secret", "ssh"}:
        identity = mount.source or mount.id or posixpath.basename(mount.target)
        if not identity and mount.kind == "secret":
            raise SyntaxProblem('a "secret" mount needs one of id, source and target')
        return replace(mount, id=identity or "default")
    if not mount.target:
        raise SyntaxProblem(f'a "{mount.kind}" mount needs a target')
    if mount.kind == "cache":
        return replace(mount, id=mount.id or posixpath.normpath(mount.target))
    return mount


def _sharing(value: str) -> str:
    if value not in _SHARING:
        raise SyntaxProblem(f'unsupported sharing value "{value}"{did_you_mean(value, _SHARING)}')
    return value


def _boolean(name: str, value: str) -> bool:
    if value.lower() not in {"true", "false", "1", "0"}:
        raise SyntaxProblem(f"invalid value for {name}: {value}")
    return value.lower() in {"true", "1"}


def _number(name: str, values: dict[str, str], base: int) -> int | None:
    text = values.get(name)
    if text is None:
        return None
    digits = "01234567" if base == _OCTAL else "0123456789"
    if not text or set(text) - set(digits):
        kind = "an octal number" if base == _OCTAL else "a number"
        raise SyntaxProblem(f"invalid value {text} for {name}: must be {kind}")
    return int(text, base)


def _size(text: str) -> int:
    match = _SIZE.match(text)
    if match is None:
        raise SyntaxProblem(f"invalid value for size: {text}")
    return int(float(match[1]) * 1024 ** _UNITS.index(match[2].lower()))
