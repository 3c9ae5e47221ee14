"""Which compose files there are, and what the project is called."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.compose.files import Files
from keelway.compose.problems import file_error
from keelway.compose.scalars import show
from keelway.compose.template import TemplateError, substitute
from keelway.compose.tree import Scalar, child
from keelway.errors import ConfigError, ConfigProblem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from keelway.compose.tree import Node

FILES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_YES = frozenset({"1", "t", "true", "y", "yes"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """Where a project is."""

    files: tuple[Path, ...]
    folder: Path
    """Absolute."""
    env_files: tuple[Path, ...]
    environment: Mapping[str, str]
    """The environment over the variables of these files."""


def locate(
    start: Path,
    environment: Mapping[str, str],
    *,
    files: Sequence[Path] = (),
    folder: Path | None = None,
    env_files: Sequence[Path] = (),
) -> Located:
    """Return the files that a project is made of.

    Those that are named; else those of `COMPOSE_FILE`; else `compose.yaml` or one of its other
    names, with its override file, in the folder or the nearest one above it.

    Args:
        start: The current folder.
        environment: `COMPOSE_FILE`, `COMPOSE_PATH_SEPARATOR`, `COMPOSE_ENV_FILES`,
            `COMPOSE_DISABLE_ENV_FILE` are looked at; the first two may stand in `.env` too.
        files: The files, if they are named.
        folder: The project's folder, if it is not that of the first file.
        env_files: The `.env` files, if they are named.

    Raises:
        ConfigError: When there are none, or an env file is wrong.
    """
    start = start.absolute()
    named = [start / file for file in files]
    home = None if folder is None else _clean(start / folder)
    first = home or (named[0].parent if named else start)
    chosen = _env_files(start, first, environment, env_files)
    reader = Files(first)
    known = reader.variables(chosen, environment)
    if not named:
        named = _from_variable(start, known) or _default_files(home or start)
        moved = home or named[0].parent
        if moved != first and not env_files and "COMPOSE_ENV_FILES" not in environment:
            # What was found above has its own .env.
            chosen = _env_files(start, moved, environment, ())
            known = reader.variables(chosen, environment)
    return Located(
        files=tuple(_clean(file) for file in named),
        folder=_clean(home or named[0].parent),
        env_files=tuple(chosen),
        environment=known,
    )


def _clean(path: Path) -> Path:
    return type(path)(os.path.normpath(path))


def _env_files(
    start: Path, folder: Path, environment: Mapping[str, str], named: Sequence[Path]
) -> list[Path]:
    if named:
        return [start / file for file in named]
    listed = environment.get("COMPOSE_ENV_FILES", "")
    if listed:
        return [start / file.strip() for file in listed.split(",")]
    if environment.get("COMPOSE_DISABLE_ENV_FILE", "").lower() in _YES:
        return []
    usual = folder / ".env"
    return [usual] if usual.is_file() else []


def _from_variable(start: Path, environment: Mapping[str, str]) -> list[Path]:
    listed = environment.get("COMPOSE_FILE", "")
    separator = environment.get("COMPOSE_PATH_SEPARATOR") or os.pathsep
    return [start / file for file in listed.split(separator) if file]


def _default_files(start: Path) -> list[Path]:
    for folder in (start, *start.parents):
        found = [folder / name for name in FILES if (folder / name).is_file()]
        if found:
            overrides = [folder / name for name in OVERRIDES if (folder / name).is_file()]
            return [found[0], *overrides[:1]]
    problem = ConfigProblem(
        file=FILES[0], line=None, key="", text=f"not found from {start} upwards"
    )
    raise ConfigError([problem], next_step="name the file with --file")


def project_name(
    asked: str | None, documents: Sequence[Node], folder: Path, environment: Mapping[str, str]
) -> str:
    """Return the project's name.

    What was asked for; else `COMPOSE_PROJECT_NAME`; else the last `name` in the files; else the
    folder's, in small letters and without what no name may have.

    Args:
        asked: By the caller.
        documents: What the files say, before variables are filled in.
        folder: The project's.
        environment: Fills in the variables of `name`.

    Raises:
        ConfigError: When it is none, or cannot be one.
    """
    given = asked or environment.get("COMPOSE_PROJECT_NAME") or None
    if given is not None:
        if not _NAME.fullmatch(given):
            text = f"'{given}' cannot name a project: small letters, digits, '-' and '_' can"
            raise file_error(folder, text)
        return given
    name = _normal(_named(documents, environment) or "") or _normal(folder.name)
    if not name:
        raise file_error(folder, "has no name for a project: write `name:` into the file")
    return name


def _named(documents: Sequence[Node], environment: Mapping[str, str]) -> str | None:
    for document in reversed(documents):
        node = child(document, "name")
        if isinstance(node, Scalar) and isinstance(node.value, str) and node.value:
            try:
                return substitute(show(node.value), environment)
            except TemplateError as error:
                line = node.place.line
                raise file_error(node.place.file, f"name: {error}", line=line) from error
    return None


def _normal(text: str) -> str:
    return re.sub(r"[^a-z0-9_-]", "", text.lower()).lstrip("_-")
