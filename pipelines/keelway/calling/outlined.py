"""Outlines of a module's functions, kept between two presses of a key.

Importing a module and Dagger's SDK takes longer than a shell may wait. So what was found is kept
below `$XDG_CACHE_HOME/keelway/completion` (`~/.cache` where that is not set) for as long as the
module's files, keelway and the SDK stay as they are.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from keelway.calling.outline import Flag, Outline, from_data, to_data
from keelway.calling.places import module_folder
from keelway.errors import KeelwayError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from keelway.calling.described import Argument, Described
    from keelway.calling.loading import LoadedModule

_LONGEST_DOC = 100
_OWN_FILES = ("calling", "module")


@dataclass(slots=True, kw_only=True)
class Outlines:
    """The outlines of one module."""

    given: str | None
    """The module's folder as it was written, if it was."""
    here: Path
    environ: Mapping[str, str]
    _kept: dict[str, Any] = field(init=False, default_factory=dict[str, Any])
    _module: LoadedModule | None = field(init=False, default=None)

    def of(self, path: tuple[str, ...]) -> Outline | None:
        """Return what may stand behind functions; nothing where they cannot be called."""
        if not self._kept:
            self._kept = self._read()
        found: dict[str, Any] = self._kept["outlines"]
        name = " ".join(path)
        if name not in found:
            made = self._made(path)
            found[name] = None if made is None else to_data(made)
            self._write()
        return from_data(found[name])

    @property
    def file(self) -> Path:
        """Where they are kept."""
        home = self.environ.get("XDG_CACHE_HOME", "")
        above = (
            Path(home) if home.startswith("/") else Path(self.environ.get("HOME", "/")) / ".cache"
        )
        place = str(self._folder or "keelway")
        return above / "keelway" / "completion" / hashlib.sha256(place.encode()).hexdigest()[:16]

    @property
    def _folder(self) -> Path | None:
        return module_folder(self.given, self.here)

    def _stamp(self) -> list[object]:
        package = Path(__file__).parents[1]
        own = [file for name in _OWN_FILES for file in (package / name).glob("*.py")]
        return [
            version("keelway"),
            version("dagger-io"),
            *(_state(file) for file in sorted(own)),
            *(_state(file) for file in sorted(_sources(self._folder))),
        ]

    def _read(self) -> dict[str, Any]:
        stamp = self._stamp()
        with contextlib.suppress(OSError, ValueError):
            read: object = json.loads(self.file.read_text(encoding="utf-8"))
            if isinstance(read, dict) and cast("dict[str, object]", read).get("stamp") == stamp:
                return cast("dict[str, Any]", read)
        return {"stamp": stamp, "outlines": {}}

    def _write(self) -> None:
        # Another shell may read it now. Where it cannot be written it is found again.
        part = self.file.with_suffix(f".{os.getpid()}")
        with contextlib.suppress(OSError):
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            part.write_text(json.dumps(self._kept), encoding="utf-8")
            part.replace(self.file)

    def _made(self, path: tuple[str, ...]) -> Outline | None:
        from keelway.calling.words import functions_of  # noqa: PLC0415 -- imports Dagger's SDK

        # What a module prints when it is imported would stand between the shell's words.
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            try:
                registry = self._loaded().registry
            except KeelwayError:
                return None
        function = registry.constructor()
        rest: Described | None = registry.object(registry.main)
        for name in path:
            found = None if rest is None else rest.functions.get(name)
            if found is None:
                return None
            function, rest = found, functions_of(found.returns, registry)
        return Outline(
            flags=tuple(_flag(argument) for argument in function.arguments),
            functions={} if rest is None else {
                name: _short(one.doc) for name, one in rest.functions.items()
            },
        )  # fmt: skip

    def _loaded(self) -> LoadedModule:
        from keelway.calling.loading import load_module  # noqa: PLC0415 -- likewise

        if self._module is None:
            self._module = load_module(self.given, self.here)
        return self._module


def _flag(argument: Argument) -> Flag:
    from keelway.calling.described import Kind  # noqa: PLC0415 -- not for what is kept

    known = argument.type
    element = known.element or known
    members = getattr(element.hint, "__members__", {}) if element.kind is Kind.ENUM else {}
    return Flag(
        name=argument.flag,
        doc=_short(argument.doc),
        required=argument.required,
        many=known.element is not None,
        alone=known.kind is Kind.BOOLEAN,
        choices=tuple(sorted(members)),
    )


def _short(doc: str) -> str:
    return doc.strip().partition("\n")[0][:_LONGEST_DOC]


def _sources(folder: Path | None) -> Iterator[Path]:
    """Yield what a module's functions are made of; its copy of the SDK is not among them."""
    if folder is not None and folder.is_dir():
        yield from (file for file in folder.iterdir() if file.is_file())
        yield from {*folder.glob("*/*.py"), *folder.glob("src/**/*.py")}


def _state(file: Path) -> list[object]:
    with contextlib.suppress(OSError):
        found = file.stat()
        return [file.name, found.st_mtime_ns, found.st_size]
    return [file.name]
