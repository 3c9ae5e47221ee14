"""Digests in manifests of Kubernetes: every container of an image, whatever the kind of workload.

Kinds of others have containers too (Argo's rollouts, Knative's services, operators' own): a list
under one of the keys of a pod's containers is one wherever it stands in an object.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.gitops.files.edits import (
    Edit,
    apply_edits,
    documents,
    items,
    pairs,
    replaced,
    text_of,
    value_of,
)
from keelway.gitops.files.release_image import ReleaseImage, has_tag

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ruamel.yaml.nodes import Node

CONTAINER_KEYS = frozenset({"containers", "initContainers", "ephemeralContainers"})


def edit_manifests(text: str, images: Sequence[ReleaseImage]) -> tuple[str, frozenset[str]]:
    """Return manifests that name each image by its digest, and the names of those they have.

    Raises:
        FileProblemError: When it is not YAML.
    """
    edits: list[Edit] = []
    found: set[str] = set()
    for root in documents(text):
        if value_of(root, "apiVersion") is None or value_of(root, "kind") is None:
            continue
        for node in _image_nodes(root):
            said = text_of(node) or ""
            for image in images:
                if image.is_named_by(said):
                    found.add(image.name)
                    edits += _changed(text, node, said, image)
    return apply_edits(text, edits), frozenset(found)


def _changed(text: str, node: Node, said: str, image: ReleaseImage) -> list[Edit]:
    wanted = image.reference(with_tag=has_tag(said))
    return [] if said == wanted else [replaced(text, node, wanted)]


def _image_nodes(node: Node) -> Iterator[Node]:
    for key, value in pairs(node):
        if key.value in CONTAINER_KEYS:
            named = (value_of(container, "image") for container in items(value))
            yield from (image for image in named if image is not None)
        yield from _image_nodes(value)
    for item in items(node):
        yield from _image_nodes(item)
