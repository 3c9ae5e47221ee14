"""The image that a target is built on in the end: what its labels tell, and which bytes it was."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from keelway._stage import failures_of
from keelway.tags.labels import base_labels

if TYPE_CHECKING:
    from collections.abc import Mapping

    import anyio
    import dagger

    from keelway._stage import Run

_DIGEST = re.compile(r"@(sha256:[0-9a-f]{64})$")


async def read_base(dockerfile: anyio.Path, build_args: Mapping[str, str], target: str) -> str:
    """Return the reference of the final stage's base; empty for scratch, or where none is found.

    What is wrong with the file the build tells, with its line.

    Args:
        dockerfile: The file.
        build_args: Values of arguments, over the defaults in the file.
        target: The stage to build; the last when empty.
    """
    from keelway.dockerfile import parse  # noqa: PLC0415 - not for a plan
    from keelway.dockerfile.bases import final_image  # noqa: PLC0415 - likewise
    from keelway.dockerfile.errors import (  # noqa: PLC0415 - likewise
        DockerfileError,
        SyntaxProblem,
    )

    try:
        text = await dockerfile.read_text(encoding="utf-8")
        return final_image(parse(text), build_args=build_args, target=target) or ""
    except (OSError, UnicodeDecodeError, DockerfileError, SyntaxProblem):
        return ""


async def with_base_labels(
    run: Run, container: dagger.Container, base: str, platform: dagger.Platform
) -> dagger.Container:
    """Return the container with the labels and annotations that name its base image.

    The engine resolves a tag once in a session: what it answers here is what was built from. What
    the base image says of its own base is taken away, for it is not true of this one.

    Args:
        run: The run.
        container: What was built.
        base: The reference of its base; empty for scratch.
        platform: The platform of the container.
    """
    for key in ("org.opencontainers.image.base.digest", "org.opencontainers.image.base.name"):
        container = container.without_label(key)
    if not base:
        return container
    labels = base_labels(base)
    if labels and "@" not in base:
        with failures_of("build", f"resolving {base}"):
            answer = await run.dag.container(platform=platform).from_(base).image_ref()
        found = _DIGEST.search(answer)
        labels = base_labels(base, None if found is None else found[1])
    for key, value in labels.items():
        container = container.with_label(key, value).with_annotation(key, value)
    return container
