"""The files of a work tree that a release changes: found, changed, and none besides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.gitops.files.helm_values import edit_values
from keelway.gitops.files.kustomization import NAMES, edit_kustomization
from keelway.gitops.files.manifests import edit_manifests
from keelway.gitops.files.nodes import FileProblemError
from keelway.gitops.files.release_image import release_image
from keelway.gitops.problem import GitOpsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from keelway.gitops.files.release_image import ReleaseImage
    from keelway.gitops.spec import GitOpsSpec
    from keelway.model.target_release import TargetRelease

_SUFFIXES = frozenset({".yaml", ".yml", ".json"})


def images_of(spec: GitOpsSpec, release: TargetRelease) -> tuple[ReleaseImage, ...]:
    """Return the images of a release that a repository is told, as it calls them.

    Raises:
        GitOpsError: The release has no such image.
    """
    absent = [name for name in spec.images if name not in release.images]
    if absent:
        raise GitOpsError(
            f"the release {release.version} has no image {absent[0]!r}",
            why=f"deploy.{spec.target}.images names it; there are {', '.join(release.images)}",
        )
    names: Mapping[str, str] = spec.images or {
        name: _repository(reference) for name, reference in release.images.items()
    }
    return tuple(
        release_image(known_as, release.images[name], release.version)
        for name, known_as in names.items()
    )


def changed_files(tree: Path, spec: GitOpsSpec, images: Sequence[ReleaseImage]) -> dict[Path, str]:
    """Return the files that change, with their new text; nothing is written.

    Args:
        tree: The work tree.
        spec: What in it is looked at.
        images: What is written.

    Raises:
        GitOpsError: There is no such file, it is not of its format, or it has no such image.
    """
    if spec.format == "manifests":
        return _changed_manifests(tree, spec, images)
    path = _kustomization(tree, spec) if spec.format == "kustomize" else _file(tree, spec.path)
    edit = edit_kustomization if spec.format == "kustomize" else edit_values
    text = _text(path, tree)
    try:
        changed = edit(text, images)
    except FileProblemError as problem:
        raise _refused(path, tree, problem) from problem
    return {} if changed == text else {path: changed}


def write(path: Path, text: str) -> None:
    """Put a text into a file that is there, whose mode and ends of lines stay."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(text)


def _changed_manifests(
    tree: Path, spec: GitOpsSpec, images: Sequence[ReleaseImage]
) -> dict[Path, str]:
    changed: dict[Path, str] = {}
    found: set[str] = set()
    for path in _manifests(tree, spec):
        text = _text(path, tree)
        try:
            edited, names = edit_manifests(text, images)
        except FileProblemError as problem:
            raise _refused(path, tree, problem) from problem
        found |= names
        if edited != text:
            changed[path] = edited
    absent = [image.name for image in images if image.name not in found]
    if absent:
        raise GitOpsError(
            f"no container in {spec.path} has the image {absent[0]}",
            next_step=f"say what it is called there: deploy.{spec.target}.images",
        )
    return changed


def _manifests(tree: Path, spec: GitOpsSpec) -> list[Path]:
    top = _inside(tree, spec.path)
    if top.is_file():
        return [top]
    found = top.rglob("*") if spec.recursive else top.glob("*")
    files = (path for path in found if path.suffix in _SUFFIXES and path.is_file())
    own = (path for path in files if not path.is_symlink() and ".git" not in path.parts)
    return sorted(own)


def _kustomization(tree: Path, spec: GitOpsSpec) -> Path:
    top = _inside(tree, spec.path)
    if top.is_file():
        return top
    found = [top / name for name in NAMES if (top / name).is_file()]
    if len(found) != 1:
        raise GitOpsError(
            f"{spec.path} has {'no' if not found else 'more than one'} kustomization",
            why=f"one file is expected, of {', '.join(NAMES)}",
            next_step=f"correct deploy.{spec.target}.path",
        )
    return _inside(tree, str(found[0].relative_to(tree)))


def _file(tree: Path, path: str) -> Path:
    found = _inside(tree, path)
    if not found.is_file():
        raise GitOpsError(f"{path} is no file: a file of Helm values is expected")
    return found


def _inside(tree: Path, path: str) -> Path:
    """Return a path of the tree, which no symbolic link leads out of it."""
    found = (tree / path).resolve()
    if (
        not found.is_relative_to(tree.resolve())
        or ".git" in found.relative_to(tree.resolve()).parts
    ):
        raise GitOpsError(f"{path} leads out of the repository")
    if not found.exists():
        raise GitOpsError(f"the repository has no {path}")
    return found


def _text(path: Path, tree: Path) -> str:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except UnicodeDecodeError as error:
        raise GitOpsError(f"{_shown(path, tree)} is not UTF-8") from error


def _refused(path: Path, tree: Path, problem: FileProblemError) -> GitOpsError:
    return GitOpsError(f"{_shown(path, tree)}: {problem}")


def _shown(path: Path, tree: Path) -> str:
    return str(path.relative_to(tree.resolve()))


def _repository(reference: str) -> str:
    return release_image("", reference, "").repository
