"""Which images have inputs that changed since another commit.

The inputs of an image are its context without what is ignored there, its Dockerfile and its ignore
file, named contexts, and what the configuration and the lock file say of it. What lies outside of
git, as a tag that a base image moved to, is none: a release of everything, nightly say, finds that.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from keelway.config.document import read_document
from keelway.config.loader import PROJECT_FILE, PROJECT_TABLE
from keelway.config.lock import LOCK_FILE, Pin, parse_lock
from keelway.config.root import Config
from keelway.dockerfile.errors import DockerfileError
from keelway.dockerfile.ignore import IgnoreFile
from keelway.errors import ConfigError, PlanError
from keelway.facts.difference import Difference, Unknown, read_difference
from keelway.model.changes import Changes, ImageChange, ImageInputs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from keelway.config import ImageConfig
    from keelway.config.loader import Loaded


def find_changes(loaded: Loaded, since: str, environ: Mapping[str, str]) -> Changes:
    """Return which images of a configuration have inputs that changed.

    Args:
        loaded: The configuration with the place it came from.
        since: The commit to compare with: a branch, a tag, digits.
        environ: The environment that git runs in.

    Raises:
        PlanError: When there is no such commit, or an ignore file is malformed.
    """
    inputs = [
        ImageInputs(image=name, context=_absolute(loaded.root, image), dockerfile=image.dockerfile)
        for name, image in loaded.config.images.items()
    ]
    return compare(inputs, loaded.root, since, environ, also=lambda found: _written(loaded, found))


def compare(
    inputs: Sequence[ImageInputs],
    directory: Path,
    since: str,
    environ: Mapping[str, str],
    *,
    also: Callable[[Difference], Mapping[str, str]] | None = None,
) -> Changes:
    """Return which of the images have inputs that changed.

    Args:
        inputs: What each image is made of.
        directory: Anywhere inside the working tree.
        since: The commit to compare with: a branch, a tag, digits.
        environ: The environment that git runs in.
        also: Gives more reasons by image, for those that are not in the files of its inputs.

    Raises:
        PlanError: When there is no such commit, or an ignore file is malformed.
    """
    found = read_difference(directory, since, environ)
    if isinstance(found, Unknown):
        note = f"every image is built: {found.reason}"
        every = [ImageChange(image=one.image, changed=True, reason=found.reason) for one in inputs]
        return Changes(since=since, images=tuple(every), note=note)
    more: Mapping[str, str] = {} if also is None else also(found)
    shown = since if since == found.base else f"{since} ({found.short_base})"
    decided: list[ImageChange] = []
    for one in inputs:
        reason = reason_to_build(one, found.top, found.paths) or more.get(one.image)
        decided.append(
            ImageChange(
                image=one.image,
                changed=reason is not None,
                reason=reason or f"no input changed since {shown}",
            )
        )
    return Changes(since=since, images=tuple(decided), base=found.base)


def reason_to_build(inputs: ImageInputs, top: Path, changed: Sequence[Path]) -> str | None:
    """Return what of an image's inputs changed; nothing when none did.

    Args:
        inputs: What the image is made of.
        top: The top of the working tree, absolute, with no symbolic link in it.
        changed: What changed in the working tree, absolute and sorted.

    Raises:
        PlanError: When the ignore file is malformed.
    """
    trees = (inputs.context, *inputs.others)
    for tree in trees:
        if not tree.resolve().is_relative_to(top):
            return f"{tree} lies outside of the git repository: nobody knows whether it changed"
    dockerfile = inputs.context / inputs.dockerfile
    files = (
        *(place for path in (*trees, dockerfile) for place in _links(path)),
        dockerfile.resolve(),
        *(inputs.context.resolve() / name for name in _ignore_names(inputs)),
        *((inputs.context / name).resolve() for name in _ignore_names(inputs)),
    )
    found = [path for path in changed if path in files]
    ignored = _ignored(inputs)
    context = inputs.context.resolve()
    found += [
        path
        for path in changed
        if _is_in(path, context, ignored) or any(_is_in(path, tree) for tree in _others(inputs))
    ]
    paths = sorted({path.relative_to(top).as_posix() for path in found})
    if not paths:
        return None
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"{paths[0]}{more} changed"


def _absolute(root: Path, image: ImageConfig) -> Path:
    return Path(os.path.abspath(root / image.context))  # noqa: PTH100 - links stay as they are


def _others(inputs: ImageInputs) -> Iterator[Path]:
    return (tree.resolve() for tree in inputs.others)


def _is_in(path: Path, tree: Path, ignored: IgnoreFile | None = None) -> bool:
    """Return whether a changed path is part of a tree, or the tree of it: a submodule, a link."""
    if path == tree or path in tree.parents:
        return True
    if not path.is_relative_to(tree):
        return False
    return ignored is None or not ignored.matches(path.relative_to(tree).as_posix())


def _links(path: Path) -> Iterator[Path]:
    """Yield the symbolic links on the way to a path, as the working tree has them."""
    for part in (path, *path.parents):
        if part.is_symlink():
            yield part.parent.resolve() / part.name


def _ignore_names(inputs: ImageInputs) -> tuple[str, str]:
    """Return what ignore files may be called; the first that is there counts."""
    return f"{inputs.dockerfile}.dockerignore", ".dockerignore"


def _ignored(inputs: ImageInputs) -> IgnoreFile:
    """Return what of the context is no input.

    Raises:
        PlanError: When the ignore file is malformed.
    """
    lines = list(inputs.exclude)
    for name in _ignore_names(inputs):
        file = inputs.context / name
        if file.is_file():
            lines.insert(0, file.read_text(encoding="utf-8", errors="replace"))
            break
    try:
        return IgnoreFile.parse("\n".join(lines), str(inputs.context / ".dockerignore"))
    except DockerfileError as error:
        raise PlanError(str(error), next_step="correct the ignore file") from error


def _written(loaded: Loaded, found: Difference) -> dict[str, str]:
    """Return the images of which the configuration or the lock file says something else now."""
    return {**_locked_anew(loaded, found), **_configured_anew(loaded, found)}


def _configured_anew(loaded: Loaded, found: Difference) -> dict[str, str]:
    file = loaded.file.resolve()
    if file not in found.paths:
        return {}
    then = _config_then(loaded, found.text_then(file))
    if then is None:
        reason = f"{file.name} of {found.short_base} cannot be read"
        return dict.fromkeys(loaded.config.images, reason)
    if then.project != loaded.config.project:
        reason = f"[project] of {file.name} changed, which every image has labels from"
        return dict.fromkeys(loaded.config.images, reason)
    return {
        name: f"[images.{name}] of {file.name} changed"
        for name, image in loaded.config.images.items()
        if then.images.get(name) != image
    }


def _config_then(loaded: Loaded, text: str | None) -> Config | None:
    prefix = PROJECT_TABLE if loaded.file.name == PROJECT_FILE else ()
    try:
        return None if text is None else read_document(text, "", Config, prefix).value
    except (ConfigError, KeyError, TypeError):
        return None


def _locked_anew(loaded: Loaded, found: Difference) -> dict[str, str]:
    lock = (loaded.root / LOCK_FILE).resolve()
    if lock not in found.paths:
        return {}
    try:
        then = dict(parse_lock(found.text_then(lock) or ""))
    except ConfigError:
        then = dict[str, Pin]()
    before = {name: pin.reference for name, pin in then.items()}
    anew = {name for name, pin in loaded.pins.items() if before.get(name) != pin.reference}
    return {
        name: f"its base image {', '.join(used)} is pinned anew"
        for name, image in loaded.config.images.items()
        if (used := sorted(anew & set(image.bases.values())))
    }
