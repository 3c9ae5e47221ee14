"""The Dockerfiles of a repository, and the folder that each is built in."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from keelway.dockerfile import DockerfileError, SyntaxProblem, parse
from keelway.dockerfile.instructions import Add, Copy
from keelway.survey.findings import FoundDockerfile, LeftOut
from keelway.survey.loose import UnreadableError, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keelway.dockerfile import Dockerfile

DEEPEST = 5
"""So many folders below the repository are looked at."""
MOST = 100
"""A repository that has more Dockerfiles is not for guessing."""

_NAMES = ("dockerfile", "containerfile")
# With more to the name they are written so, and `dockerfile.py` is none.
_NAMED = re.compile(r"(Docker|Container)file\.[^.].*|.+\.(Docker|docker|Container|container)file")
_NOT_ENTERED = frozenset({"node_modules", "vendor", "third_party", "venv", "__pycache__", "target"})
_NOT_RELEASED = {
    "test": "tests", "tests": "tests", "testdata": "tests", "fixtures": "tests", "e2e": "tests",
    "example": "an example", "examples": "an example", "docs": "documentation",
    "sample": "an example", "samples": "an example", "demo": "an example",
}  # fmt: skip
_DOES_NOT_COUNT = (
    ".dockerignore",
    ".bak",
    ".orig",
    ".tmpl",
    ".template",
    ".j2",
    ".md",
    ".py",
    ".go",
    "~",
)


def find_dockerfiles(root: Path) -> tuple[tuple[FoundDockerfile, ...], tuple[LeftOut, ...]]:
    """Return the Dockerfiles that images may be made of, and those that were left out."""
    found: list[FoundDockerfile] = []
    left_out: list[LeftOut] = []
    for path in sorted(_paths(root), key=lambda one: (one.count("/"), one)):
        reason = _not_released(path)
        if reason is not None:
            left_out.append(LeftOut(path=path, reason=reason))
            continue
        try:
            parsed = parse(read_text(root / path), path)
        except (UnreadableError, DockerfileError, SyntaxProblem) as error:
            left_out.append(LeftOut(path=path, reason=_first_line(error)))
            continue
        found.append(_found(root, path, parsed))
    return tuple(found[:MOST]), tuple(left_out)


def _paths(root: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(root):
        here = Path(folder).relative_to(root)
        depth = len(here.parts)
        folders[:] = sorted(
            name
            for name in folders
            if depth < DEEPEST and not name.startswith(".") and name not in _NOT_ENTERED
        )
        yield from ((here / name).as_posix() for name in files if is_dockerfile(name))


def is_dockerfile(name: str) -> bool:
    """Return whether a file is one by its name.

    >>> [is_dockerfile(n) for n in ("Dockerfile", "Dockerfile.api", "api.Dockerfile", "a.bak")]
    [True, True, True, False]
    >>> is_dockerfile("dockerfile"), is_dockerfile("dockerfile.py"), is_dockerfile("README.md")
    (True, False, False)
    """
    if name.endswith(_DOES_NOT_COUNT):
        return False
    return name.lower() in _NAMES or _NAMED.fullmatch(name) is not None


def _not_released(path: str) -> str | None:
    for part in PurePosixPath(path).parent.parts:
        if part.lower() in _NOT_RELEASED:
            return f"it belongs to {_NOT_RELEASED[part.lower()]} ({part}/)"
    return None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["it cannot be read"])[0]


def _found(root: Path, path: str, parsed: Dockerfile) -> FoundDockerfile:
    """Return a Dockerfile with its context: the nearest folder that has all that it copies."""
    folders = [PurePosixPath(path).parent, *PurePosixPath(path).parent.parents]
    sources = tuple(dict.fromkeys(_copied(parsed)))
    lacking = {folder: _lacking(root / folder, sources) for folder in folders}
    context = min(folders, key=lambda folder: (len(lacking[folder]), folders.index(folder)))
    return FoundDockerfile(
        path=path,
        parsed=parsed,
        context=context.as_posix(),
        lacks=lacking[context],
        has_ignore_file=(root / context / ".dockerignore").is_file()
        or (root / f"{path}.dockerignore").is_file(),
    )


def _copied(parsed: Dockerfile) -> Iterator[str]:
    """Yield what is copied out of the context and is named without variables."""
    for stage in parsed.stages:
        for one in stage.instructions:
            if isinstance(one, Copy | Add) and not getattr(one, "from_", ""):
                yield from (
                    source
                    for source in one.sources
                    if "$" not in source and "://" not in source and "@" not in source
                )


def _lacking(folder: Path, sources: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(source for source in sources if not _exists(folder, source.lstrip("/")))


def _exists(folder: Path, source: str) -> bool:
    if not source or source.startswith(".."):
        return True
    if not any(mark in source for mark in "*?["):
        return (folder / source).exists()
    try:
        return any(folder.glob(source))
    except (ValueError, NotImplementedError):
        return True
