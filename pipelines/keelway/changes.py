"""Images that changed, for pipelines that build several and want to build only those."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread

from keelway.facts.changed import compare
from keelway.model.changes import ImageInputs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keelway.model.changes import Changes
    from keelway.stages.build import ImageSpec


async def changed_images(
    images: Sequence[ImageSpec],
    since: str,
    environ: Mapping[str, str],
    *,
    also: Mapping[str, Sequence[str]] | None = None,
) -> Changes:
    """Return which images have inputs that changed since another commit, and why.

    An image's inputs are what its Dockerfile reads of its context, without what `.dockerignore`
    leaves out, its Dockerfile and its ignore file. Compared is the working tree with the commit
    where the history parted from `since`. Where git cannot tell (no repository, a shallow clone
    that lacks that commit) every image counts as changed, and `note` says why.

    Args:
        images: The images; their contexts are in the working tree.
        since: The commit to compare with: a branch, a tag, digits.
        environ: The environment that git runs in, as `os.environ`.
        also: More inputs by the image's name: files and directories outside of its context.

    Raises:
        PlanError: When the whole history has no such commit, or an ignore file is malformed.
    """
    here = Path.cwd()
    inputs = [
        ImageInputs(
            image=image.name,
            context=here / image.context,
            dockerfile=image.dockerfile,
            targets=(image.target or "",),
            build_args=image.build_args,
            exclude=image.exclude,
            others=tuple(here / path for path in (also or {}).get(image.name, ())),
        )
        for image in images
    ]
    return await anyio.to_thread.run_sync(compare, inputs, here, since, environ)
