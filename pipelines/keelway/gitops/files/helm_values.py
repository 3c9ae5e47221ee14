"""Digests in a file of Helm values, at dotted paths.

What stands there decides the form: text is a whole reference; a table has `repository` (with
`registry` before it, where the chart has one), `tag` and `digest`. A chart that has no `digest`
gets it behind the tag, where charts that write `repository:tag` take it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from keelway.gitops.files.edits import (
    Edit,
    apply_edits,
    replaced,
    set_value,
)
from keelway.gitops.files.nodes import FileProblemError, Node, documents
from keelway.gitops.files.release_image import ReleaseImage, has_tag

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_DOT = re.compile(r"(?<!\\)\.")


def edit_values(text: str, images: Sequence[ReleaseImage]) -> str:
    r"""Return values that name each image by its digest.

    Args:
        text: The file.
        images: Their names are dotted paths; `\.` is a dot within a key, a number counts items of
            a list from 0.

    Raises:
        FileProblemError: When a path leads nowhere, or to what is no image.
    """
    roots = documents(text)
    if len(roots) != 1:
        raise FileProblemError("values are one document")
    edits = [edit for image in images for edit in _edits(text, roots[0], image)]
    return apply_edits(text, edits)


def _edits(text: str, root: Node, image: ReleaseImage) -> Iterator[Edit]:
    node = _find(root, image.name)
    if node.text is not None:
        if node.is_empty:
            raise FileProblemError(f"{image.name} is empty: write a reference there once")
        said = node.text or ""
        if said != (wanted := image.reference(with_tag=has_tag(said))):
            yield replaced(text, node, wanted)
        return
    if not node.pairs:
        raise FileProblemError(f"line {node.line}: {image.name} is a list, and no image")
    yield from _table_edits(text, node, image)


def _table_edits(text: str, node: Node, image: ReleaseImage) -> Iterator[Edit]:
    registry, repository = node.pair("registry"), node.pair("repository")
    tag, digest = node.pair("tag"), node.pair("digest")
    if repository is None or (tag is None and digest is None):
        raise FileProblemError(
            f"line {node.line}: {image.name} has no repository with a digest or a tag: "
            "give the path of what has them, or of a whole reference"
        )
    host, _, path = image.repository.partition("/")
    if registry is not None:
        yield from set_value(text, registry, host)
    whole = image.repository if registry is None else path
    yield from set_value(text, repository, whole)
    if tag is not None:
        alone = image.tag if digest is not None else f"{image.tag}@{image.digest}"
        yield from set_value(text, tag, alone)
    if digest is not None:
        yield from set_value(text, digest, image.digest)


def _find(root: Node, path: str) -> Node:
    node, walked = root, list[str]()
    for step in _DOT.split(path):
        key = step.replace("\\.", ".")
        below = _below(node, key)
        if below is None:
            place = ".".join(walked) or "the file"
            raise FileProblemError(f"line {node.line}: {place} has no {key!r}")
        node = below
        walked.append(step)
    return node


def _below(node: Node, key: str) -> Node | None:
    if node.is_list:
        there = node.items
        return there[int(key)] if key.isdecimal() and int(key) < len(there) else None
    found = node.pair(key)
    return None if found is None else found[1]
