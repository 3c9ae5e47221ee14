"""A repository with two images, and what `--since` finds there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from keelway.config import load_config
from keelway.facts.changed import find_changes

if TYPE_CHECKING:
    from pathlib import Path

    from keelway.model.changes import Changes

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CEILING_DIRECTORIES": "/",
}
CONFIG = """\
[project]
name = "shop"
[images.api]
context = "services/api"
build_args = { VERSION = "1" }
[images.worker]
context = "services/worker"
dockerfile = "../worker.Dockerfile"
"""
FILES = {
    "keelway.toml": CONFIG,
    "README.md": "shop",
    "services/api/Dockerfile": "FROM scratch\nCOPY . /\n",
    "services/api/.dockerignore": "*.md\ndocs\n!docs/api.md\n",
    "services/api/app.py": "one",
    "services/api/notes.md": "one",
    "services/worker.Dockerfile": "FROM scratch\nCOPY . /\n",
    "services/worker/app.py": "one",
}


def changes(folder: Path, since: str = "main") -> Changes:
    return find_changes(load_config(folder), since, ENVIRONMENT)


def reasons(folder: Path, since: str = "main") -> dict[str, str]:
    """Return why each image is built that is built."""
    return {one.image: one.reason for one in changes(folder, since).images if one.changed}
