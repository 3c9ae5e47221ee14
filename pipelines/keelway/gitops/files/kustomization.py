"""Digests in a kustomization: `images:`, as `kustomize edit set image` writes it.

https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/images/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.gitops.files.edits import (
    Edit,
    apply_edits,
    end_of,
    inserted_pair,
    line_end,
    newline,
    set_value,
    written,
)
from keelway.gitops.files.nodes import FileProblemError, Node, documents

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from keelway.gitops.files.release_image import ReleaseImage

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
"""What the file may be called."""


def edit_kustomization(text: str, images: Sequence[ReleaseImage]) -> str:
    """Return a kustomization that gives each image its digest.

    An entry that is there keeps its keys, their order and comments; its `newTag`, where it has one,
    tells the version. An image without an entry gets one.

    Raises:
        FileProblemError: When it is not a kustomization.
    """
    roots = documents(text)
    if len(roots) > 1:
        raise FileProblemError(f"line {roots[1].line}: a kustomization is one document")
    known = roots[0].pair("images") if roots else None
    edits: list[Edit] = []
    absent: list[ReleaseImage] = []
    for image in images:
        entries = [] if known is None else _entries(known[1], image.name)
        edits += [edit for entry in entries for edit in _entry_edits(text, entry, image)]
        absent += [] if entries else [image]
    if absent:
        edits.append(_added(text, roots, known, absent))
    return apply_edits(text, edits)


def _entries(known: Node, name: str) -> list[Node]:
    return [entry for entry in known.items if _says(entry.get("name"), name)]


def _says(node: Node | None, text: str) -> bool:
    return node is not None and node.text == text


def _entry_edits(text: str, entry: Node, image: ReleaseImage) -> Iterator[Edit]:
    name, renamed = entry.pair("name"), entry.pair("newName")
    tag, digest = entry.pair("newTag"), entry.pair("digest")
    if name is None:
        raise AssertionError("the entry was found by its name")
    if renamed is not None:
        yield from set_value(text, renamed, image.repository)
    elif image.repository != image.name:
        yield inserted_pair(text, entry, name, "newName", image.repository)
    if tag is not None:
        yield from set_value(text, tag, image.tag)
    if digest is not None:
        yield from set_value(text, digest, image.digest)
    else:
        yield inserted_pair(text, entry, tag or renamed or name, "digest", image.digest)


def _added(
    text: str,
    roots: Sequence[Node],
    known: tuple[Node, Node] | None,
    images: Sequence[ReleaseImage],
) -> Edit:
    """Return the edit that adds entries for images that have none."""
    in_braces = any(root.in_braces for root in roots)
    if known is None and in_braces:
        raise FileProblemError("it has no images: add an empty list of that name")
    if known is None:
        lines = ["images:", *_entry_lines(images, "")]
        return _appended(text, len(text), lines)
    key, value = known
    if value.is_empty:
        return _appended(text, line_end(text, key.end), _entry_lines(images, ""))
    if not value.is_list:
        raise FileProblemError(f"line {key.line}: images has to be a list")
    if value.in_braces:
        return _added_in_flow(text, value, images, in_braces=in_braces)
    indent = " " * value.column
    return _appended(text, line_end(text, end_of(value)), _entry_lines(images, indent))


def _added_in_flow(
    text: str, value: Node, images: Sequence[ReleaseImage], *, in_braces: bool
) -> Edit:
    there, entries = value.items, [_flow_entry(one) for one in images]
    if there:
        at = end_of(there[-1])
        return Edit(start=at, end=at, text="".join(f", {entry}" for entry in entries))
    if in_braces:
        at = value.start + 1
        return Edit(start=at, end=at, text=", ".join(entries))
    shown = "".join(f"{newline(text)}{line}" for line in _entry_lines(images, ""))
    start = value.start
    return Edit(start=start - (text[start - 1] == " "), end=value.end, text=shown)


def _appended(text: str, at: int, lines: Sequence[str]) -> Edit:
    ends = newline(text)
    if at == len(text):
        gap = "" if not text or text.endswith("\n") else ends
        return Edit(start=at, end=at, text=gap + "".join(f"{line}{ends}" for line in lines))
    return Edit(start=at, end=at, text="".join(f"{ends}{line}" for line in lines))


def _entry_lines(images: Sequence[ReleaseImage], indent: str) -> list[str]:
    return [
        f"{indent}{'- ' if place == 0 else '  '}{key}: {written(value)}"
        for image in images
        for place, (key, value) in enumerate(_keys(image))
    ]


def _flow_entry(image: ReleaseImage) -> str:
    return "{" + ", ".join(f'"{key}": "{value}"' for key, value in _keys(image)) + "}"


def _keys(image: ReleaseImage) -> list[tuple[str, str]]:
    """Return a new entry's keys in kustomize's order, which is that of the alphabet."""
    renamed = [("newName", image.repository)] if image.repository != image.name else []
    return [("digest", image.digest), ("name", image.name), *renamed]
