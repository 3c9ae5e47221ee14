"""Build contexts for the Dockerfile cases, written where they are used."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import dagger


def context(
    dag: dagger.Client, dockerfile: str, files: dict[str, str] | None = None, *, base: str
) -> dagger.Directory:
    """Return a build context; `BASE` in the Dockerfile stands for the image `base`."""
    text = dedent(dockerfile).replace("BASE", base)
    made = dag.directory().with_new_file("Dockerfile", text)
    for name, content in (files or {}).items():
        made = made.with_new_file(name, content)
    return made
