"""`include`: other compose projects whose resources become part of this one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from keelway.compose.keys import INCLUDE
from keelway.compose.paths import absolute, is_remote
from keelway.compose.shapes import ListOf, check_shape
from keelway.compose.tree import Map, Node, Origin, Scalar, Seq, child, items_of, same

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from keelway.compose.problems import Problems
    from keelway.compose.project import Place
    from keelway.compose.tree import KeyPath

_SECTIONS = ("services", "networks", "volumes", "secrets", "configs", "models", "jobs")
_NO_FILE = "/dev/null"


class Reader(Protocol):
    """What reads files: `keelway.compose.files.Files`."""

    problems: Problems

    def origin(self, file: Path, folder: Path, environment: Mapping[str, str]) -> Origin:
        """Return a file as it is read with these variables."""
        ...

    def variables(self, files: Sequence[Path], environment: Mapping[str, str]) -> dict[str, str]:
        """Return the environment over the variables of `.env` files."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Inclusion:
    """One entry of `include`."""

    origins: tuple[Origin, ...]
    """Its files, in the order in which they are merged."""
    place: Place
    path: KeyPath


def inclusions(document: Map, reader: Reader) -> Iterator[Inclusion]:
    """Yield what a document includes.

    Raises:
        ConfigError: When the entries are not as they should be, or a `.env` file is wrong.
    """
    section = document.entries.get("include")
    if section is None:
        return
    check_shape(section, ListOf(item=INCLUDE), ("include",), reader.problems)
    reader.problems.check()
    for index, entry in enumerate(items_of(section)):
        found = _inclusion(entry, ("include", index), reader)
        if found is not None:
            yield found


def _inclusion(entry: Node, path: KeyPath, reader: Reader) -> Inclusion | None:
    written = _texts(entry if isinstance(entry, Scalar) else child(entry, "path"))
    if not written:
        reader.problems.add(entry, path, "the key 'path' is required, and it is missing")
        return None
    remote = next(filter(is_remote, written), None)
    if remote is not None:
        reader.problems.add(entry, path, f"{remote} is elsewhere: fetch it, and include the file")
        return None
    files = [absolute(text, entry.origin) for text in written]
    folders = _texts(child(entry, "project_directory"))
    folder = absolute(folders[0], entry.origin) if folders else files[0].parent
    environment = reader.variables(_env_files(entry, folder), entry.origin.environment)
    origins = tuple(reader.origin(file, folder, environment) for file in files)
    return Inclusion(origins=origins, place=entry.place, path=path)


def _env_files(entry: Node, folder: Path) -> list[Path]:
    named = _texts(child(entry, "env_file"))
    if named:
        return [absolute(text, entry.origin) for text in named if text != _NO_FILE]
    usual = folder / ".env"
    return [usual] if usual.is_file() else []


def conflicts(document: Map, included: Map, problems: Problems) -> Map:
    """Return the document with the included resources, of which none may be in both.

    Args:
        document: The file that includes.
        included: What it includes.
        problems: Takes the resources that differ in both; the same one, twice, is one.
    """
    entries = dict(document.entries)
    for key in _SECTIONS:
        theirs = included.entries.get(key)
        if not isinstance(theirs, Map):
            continue
        mine = entries.get(key, theirs.with_entries({}))
        if isinstance(mine, Map):
            entries[key] = _united(mine, theirs, key, problems)
    return document.with_entries(entries)


def _united(mine: Map, theirs: Map, section: str, problems: Problems) -> Map:
    united = dict(mine.entries)
    for name, value in theirs.entries.items():
        if name in united and not same(united[name], value):
            text = f"is in an included file too ({value.place}), and is not the same there"
            problems.add(united[name], (section, name), text)
        united.setdefault(name, value)
    return mine.with_entries(united)


def _texts(node: Node | None) -> list[str]:
    """Return one text, or a list of them, as a list."""
    found = node.items if isinstance(node, Seq) else (node,)
    return [one.value for one in found if isinstance(one, Scalar) and isinstance(one.value, str)]
