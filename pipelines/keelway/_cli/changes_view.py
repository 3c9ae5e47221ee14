"""Which images a plan builds because they changed, as data, and as rows made from the same data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from keelway.model.changes import Changes


def changes_data(changes: Changes | None) -> dict[str, Any] | None:
    """Return what is built and why; nothing where everything is, without asking."""
    if changes is None:
        return None
    return {
        "since": changes.since,
        "base": changes.base,
        "note": changes.note,
        "images": {
            one.image: {
                "built": one.changed,
                "reason": one.reason,
                "causes": [{"kind": cause.kind, "name": cause.name} for cause in one.causes],
            }
            for one in changes.images
        },
        "removed": list(changes.removed),
    }


def changes_rows(changes: Mapping[str, Any] | None) -> Iterator[tuple[str, str] | None]:
    """Yield a key and a text for each row, for people; nothing for an empty line."""
    if changes is None:
        return
    yield None
    yield "changed", f"since {changes['since']}"
    if changes["note"] is not None:
        yield "notes", changes["note"]
    for image, decided in changes["images"].items():
        yield image, f"{'built' if decided['built'] else 'left out'}: {decided['reason']}"
    for image in changes["removed"]:
        yield image, "removed: the configuration has it no more, and nothing is built of it"
