"""What the functions work on: a repository, and what is known beside it."""

from typing import Annotated

import dagger
from dagger import Doc

from keelway.module.registering import field, object_type

IGNORED = [
    ".keelway", "**/.keelway", ".venv", "**/.venv", "**/__pycache__",
    "**/.mypy_cache", "**/.pytest_cache", "**/.ruff_cache",
]  # fmt: skip
"""What no image is made from; it would only make calls slower."""


@object_type
class Project:
    """A repository to release images of, with what is known beside it."""

    source: Annotated[dagger.Directory, Doc("The repository, with .git for the tags.")] = field()
    path: Annotated[str, Doc("The folder of keelway.toml in it.")] = field(default=".")
    config: Annotated[dagger.File | None, Doc("In place of its keelway.toml.")] = field(
        default=None
    )
    variables: Annotated[list[str], Doc("Environment variables, each as NAME=VALUE.")] = field(
        default=list
    )
    secret_names: Annotated[list[str], Doc("What each of the secrets is known as.")] = field(
        default=list
    )
    secrets: Annotated[list[dagger.Secret], Doc("The secrets, in the same order.")] = field(
        default=list
    )
