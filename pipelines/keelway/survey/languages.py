"""What the files of languages and their package managers say of a project."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, Any

from keelway.survey.findings import Manifest
from keelway.survey.loose import UnreadableError, as_table, read_text, table, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_MODULE = re.compile(r"^module\s+(\S+)", re.MULTILINE)
_SPDX = re.compile(r"^[A-Za-z0-9.+-]+( (OR|AND|WITH) [A-Za-z0-9.+-]+)*$")


def find_manifests(root: Path) -> Iterator[Manifest]:
    """Yield what each of them says, in the order in which their word counts."""
    for file, (language, read) in _READERS.items():
        if not (root / file).is_file():
            continue
        try:
            name, description, licenses = read(read_text(root / file))
        except (UnreadableError, ValueError):
            name = description = licenses = ""
        yield Manifest(
            path=file,
            language=language,
            name=name,
            description=" ".join(description.split()),
            licenses=licenses if _SPDX.match(licenses) else "",
        )


def _of(document: Any) -> tuple[str, str, str]:
    found = as_table(document)
    return text(found, "name"), text(found, "description"), text(found, "license")


def _pyproject(source: str) -> tuple[str, str, str]:
    return _of(table(tomllib.loads(source), "project"))


def _cargo(source: str) -> tuple[str, str, str]:
    return _of(table(tomllib.loads(source), "package"))


def _package_json(source: str) -> tuple[str, str, str]:
    name, description, licenses = _of(json.loads(source))
    return name.rpartition("/")[2], description, licenses


def _go_mod(source: str) -> tuple[str, str, str]:
    found = _MODULE.search(source)
    return (found[1].rpartition("/")[2] if found else "", "", "")


def _nothing(_source: str) -> tuple[str, str, str]:
    return "", "", ""


_READERS: dict[str, tuple[str, Callable[[str], tuple[str, str, str]]]] = {
    "pyproject.toml": ("Python", _pyproject),
    "package.json": ("JavaScript", _package_json),
    "Cargo.toml": ("Rust", _cargo),
    "go.mod": ("Go", _go_mod),
    "composer.json": ("PHP", _package_json),
    "requirements.txt": ("Python", _nothing),
    "pom.xml": ("Java", _nothing),
    "build.gradle": ("Java", _nothing),
    "build.gradle.kts": ("Kotlin", _nothing),
    "Gemfile": ("Ruby", _nothing),
    "mix.exs": ("Elixir", _nothing),
}
