"""Whether a kustomization still builds, and what comes out has the new digests."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from keelway.gitops.git import answer_of, seen_environment
from keelway.gitops.problem import GitOpsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from keelway.gitops.files.release_image import ReleaseImage
    from keelway.gitops.spec import GitOpsSpec

_SHOWN = 2000


async def check_build(spec: GitOpsSpec, tree: Path, images: Sequence[ReleaseImage]) -> None:
    """Build a kustomization by the real kustomize, as far as the target asks for that.

    Raises:
        GitOpsError: It does not build, or what it gives lacks one of the images.
    """
    if spec.format != "kustomize" or spec.check == "never":
        return
    program = shutil.which("kustomize")
    if program is None:
        if spec.check == "always":
            raise GitOpsError("kustomize is not installed", next_step='or set check = "auto"')
        return
    top = spec.path if _is_folder(tree / spec.path) else spec.path.rpartition("/")[0] or "."
    answer = await answer_of(
        [program, "build", top],
        cwd=tree,
        environment=seen_environment(),
        timeout_s=spec.timeout_s,
    )
    if answer.code:
        raise GitOpsError(
            f"{spec.path} does not build with the new images: nothing was committed",
            why=answer.complaint[-_SHOWN:],
            next_step=f'correct it there, or set deploy.{spec.target}.check = "never"',
        )
    absent = [image for image in images if image.digest not in answer.stdout]
    if absent:
        raise GitOpsError(
            f"{spec.path} builds, but no container in it has the image {absent[0].name}",
            why="an entry of `images:` counts only where its name is that of a container's image",
            next_step=f"say what it is called there: deploy.{spec.target}.images",
        )


def _is_folder(path: Path) -> bool:
    return path.is_dir()
