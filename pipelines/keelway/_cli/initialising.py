"""What `keelway init` does, and how it tells of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway._cli import output
from keelway._cli.env import environment
from keelway.survey.adopt import adopt, write
from keelway.survey.prove import Unplanned

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from keelway.survey.adopt import Adoption


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What was asked for."""

    force: bool
    stdout: bool
    as_json: bool
    platforms: tuple[str, ...]


def initialise(folder: Path, wanted: Wanted) -> None:
    """Look at a folder and write its configuration.

    Raises:
        ConfigError: There is nothing to build, or another configuration is there.
        KeelwayError: The file cannot be written.
    """
    adoption = adopt(folder, environment(), wanted.platforms)
    may_write = not wanted.stdout and (adoption.present is None or wanted.force)
    written = may_write and write(adoption, replace_other=wanted.force)
    if wanted.as_json:
        output.result(json.dumps(_document(adoption, written=written), indent=2))
    elif wanted.stdout:
        output.result(adoption.text.rstrip("\n"))
    elif written or adoption.is_there:
        output.result("\n".join(_lines(adoption, written=written)))
    else:
        output.result(adoption.difference())
    if not wanted.as_json:
        for note in adoption.draft.notes:
            output.notice(f"note: {note}")
    if not written and not wanted.stdout:
        # Refuses where something else is there.
        write(adoption)


def _lines(adoption: Adoption, *, written: bool) -> Iterator[str]:
    name = adoption.file.name
    yield f"wrote {name}" if written else f"{name} is as it should be: nothing to do"
    for image in adoption.draft.images:
        of = f"stage {image.target} of " if image.target else ""
        folder = "" if image.context == "." else f" in {image.context}"
        yield f"  image {image.name}: {of}{image.dockerfile}{folder}, {', '.join(image.platforms)}"
    yield f"  published to: {_published_to(adoption)}"
    for rule, reason in adoption.draft.warned.items():
        yield f"  only told, for now: {rule}: {reason}"
    if not adoption.draft.has_database:
        yield "  vulnerabilities are not looked for: Trivy's database cannot be reached from here"
    if isinstance(adoption.planned, Unplanned):
        yield f"this machine cannot release it yet: {adoption.planned.reason}"
        yield f"next: {adoption.planned.next_step or 'keelway doctor'}"
    else:
        yield "next: `keelway plan` shows what will be done, `keelway release` does it"


def _published_to(adoption: Adoption) -> str:
    registries = adoption.draft.registries
    active = [one.url for one in registries if one.active]
    waiting = [one.url for one in registries if not one.active]
    if active:
        return ", ".join(active)
    if waiting:
        return f"nowhere; {', '.join(waiting)} stands in the file, to be switched on"
    return "nowhere, for no registry is known; name one under [[registries]]"


def _document(adoption: Adoption, *, written: bool) -> dict[str, object]:
    draft, planned = adoption.draft, adoption.planned
    return {
        "file": str(adoption.file),
        "written": written,
        "text": adoption.text,
        "difference": adoption.difference() if adoption.present is not None else "",
        "images": [
            {
                "name": image.name,
                "context": image.context,
                "dockerfile": image.dockerfile,
                "target": image.target or None,
                "platforms": list(image.platforms),
                "build_args": dict(image.build_args),
                "reasons": list(image.comments),
            }
            for image in draft.images
        ],
        "registries": [
            {"url": one.url, "active": one.active, "reason": one.comment}
            for one in draft.registries
        ],
        "warned": dict(draft.warned),
        "languages": list(dict.fromkeys(one.language for one in adoption.findings.manifests)),
        "ci": list(adoption.findings.ci),
        "notes": list(draft.notes),
        "plan": (
            {"possible": False, "reason": planned.reason, "next": planned.next_step}
            if isinstance(planned, Unplanned)
            else {
                "possible": True,
                "skipped": {part.part: part.reason for part in planned.skipped()},
            }
        ),
    }
