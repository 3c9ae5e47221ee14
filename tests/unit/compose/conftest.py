"""A folder for compose files, and the loading of what is in it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from keelway.compose.loader import load_project
from keelway.compose.project import Project, Service
from keelway.errors import ConfigError

Load = Callable[..., Project]
Refuse = Callable[..., list[str]]
Write = Callable[[str, str], Path]

ENVIRONMENT: Mapping[str, str] = {"HOME": "/home/ann", "TAG": "1.4"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The project's folder; its name is the project's."""
    made = tmp_path / "shop"
    made.mkdir()
    return made


@pytest.fixture
def write(folder: Path) -> Write:
    """Write a file of the project."""

    def write(name: str, text: str) -> Path:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), encoding="utf-8")
        return file

    return write


@pytest.fixture
def load(folder: Path, write: Write) -> Load:
    """Load compose files that are given as texts, the later ones over the earlier ones."""

    def load(*texts: str, **options: Any) -> Project:
        files = [write(f"{number or 'compose'}.yaml", text) for number, text in enumerate(texts)]
        options.setdefault("environment", ENVIRONMENT)
        return load_project(files, folder=folder, **options)

    return load


@pytest.fixture
def refuse(load: Load) -> Refuse:
    """Load what is wrong, and return every problem on a line of its own."""

    def refuse(*texts: str, **options: Any) -> list[str]:
        with pytest.raises(ConfigError) as refused:
            load(*texts, **options)
        assert refused.value.exit_code == 2
        return str(refused.value).splitlines()

    return refuse


@pytest.fixture
def service(load: Load) -> Callable[[str], Service]:
    """Load one service, `web`, from the lines below its name."""

    def service(lines: str) -> Service:
        below = "".join(f"    {line}\n" for line in dedent(lines).splitlines())
        return load(f"services:\n  web:\n    image: web\n{below}").services["web"]

    return service
