"""Digests in manifests of Kubernetes: every container of an image, whatever the kind of workload.

Kinds of others have containers too (Argo's rollouts, Knative's services, operators' own): a list
under one of the keys of a pod's containers is one wherever it stands in an object.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.gitops.files.edits import (
    Edit,
    apply_edits,
    replaced,
)
from keelway.gitops.files.nodes import Node, documents
from keelway.gitops.files.release_image import ReleaseImage, has_tag

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CONTAINER_KEYS = frozenset({"containers", "initContainers", "ephemeralContainers"})


def edit_manifests(text: str, images: Sequence[ReleaseImage]) -> tuple[str, frozenset[str]]:
    """Return manifests that name each image by its digest, and the names of those they have.

    Raises:
        FileProblemError: When it is not YAML.
    """
    edits: list[Edit] = []
    found: set[str] = set()
    for root in documents(text):
        if root.get("apiVersion") is None or root.get("kind") is None:
            continue
        for node in _image_nodes(root):
            said = node.text or ""
            for image in images:
                if image.is_named_by(said):
                    found.add(image.name)
                    edits += _changed(text, node, said, image)
    return apply_edits(text, edits), frozenset(found)


def _changed(text: str, node: Node, said: str, image: ReleaseImage) -> list[Edit]:
    wanted = image.reference(with_tag=has_tag(said))
    return [] if said == wanted else [replaced(text, node, wanted)]


def _image_nodes(node: Node) -> Iterator[Node]:
    for key, value in node.pairs:
        if key.text in CONTAINER_KEYS:
            named = (container.get("image") for container in value.items)
            yield from (image for image in named if image is not None)
        yield from _image_nodes(value)
    for item in node.items:
        yield from _image_nodes(item)
