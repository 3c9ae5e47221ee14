"""Build contexts: which part of a folder an engine has to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from keelway.errors import PlanError

if TYPE_CHECKING:
    from collections.abc import Iterable


async def left_out(directory: str, dockerfile: str, exclude: Iterable[str] = ()) -> list[str]:
    """Return what need not be read from a context: patterns as `.dockerignore` has them.

    The build applies `.dockerignore` by itself; here it keeps what is never used (a virtual
    environment, say) from being copied to the engine in the first place.

    Args:
        directory: The context, on this machine.
        dockerfile: Relative to it.
        exclude: What is left out beside.

    Raises:
        PlanError: When the context is no directory.
    """
    context = anyio.Path(directory)
    if not await context.is_dir():
        raise PlanError(
            f"the build context {directory} is no directory",
            next_step="name a directory that exists",
        )
    names = (f"{dockerfile}.dockerignore", ".dockerignore")
    for name in names:
        file = context / name
        if await file.is_file():
            text = await file.read_text(encoding="utf-8", errors="replace")
            patterns = _patterns(text, name)
            # The engine needs these three even where they are ignored: Docker does the same.
            return [*patterns, *(f"!{path}" for path in (dockerfile, *names)), *exclude]
    return list(exclude)


def _patterns(text: str, name: str) -> tuple[str, ...]:
    """Return the patterns of an ignore file, relative to the context.

    Raises:
        PlanError: When one of them is malformed.
    """
    from keelway.dockerfile.errors import DockerfileError  # noqa: PLC0415 - not for a plan
    from keelway.dockerfile.ignore import IgnoreFile  # noqa: PLC0415 - likewise

    try:
        return IgnoreFile.parse(text, name).lines()
    except DockerfileError as error:
        raise PlanError(str(error), next_step=f"correct {name}") from error
