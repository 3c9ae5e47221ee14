"""How `keelway doctor` says what it found."""

from __future__ import annotations

import json
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from keelway._cli import output
from keelway._cli.env import environment
from keelway.diagnosis.examine import examine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keelway.diagnosis.check import Check
    from keelway.diagnosis.examine import Diagnosis

_MARKS = {"ok": "ok", "missing": "MISSING", "absent": "absent"}


def show_diagnosis(file: Path | None, *, as_json: bool) -> int:
    """Examine this machine, print what was found, and return the exit code."""
    found = anyio.run(examine, Path.cwd(), file, environment())
    if as_json:
        output.result(json.dumps(_document(found), indent=2))
    else:
        output.result("\n".join(_lines(found)))
    return found.exit_code


def _lines(found: Diagnosis) -> Iterator[str]:
    yield f"this machine: {found.distribution.name}"
    width = max(len(one.name) for one in found.checks)
    for group, checks in groupby(found.checks, key=lambda one: one.group):
        yield group
        for check in checks:
            yield from _check(check, width)
    missing = [one for one in found.checks if one.state == "missing"]
    if not missing:
        yield "nothing is missing" + ("" if found.config else " for a release by the defaults")
        return
    yield f"missing: {', '.join(one.name for one in missing)}"


def _check(check: Check, width: int) -> Iterator[str]:
    mark = _MARKS[check.state]
    first, *rest = check.text.splitlines() or [""]
    yield f"  {mark:<9}{check.name:<{width + 2}}{first}"
    yield from (f"{'':<{width + 13}}{line}" for line in rest)
    if check.ok:
        return
    if check.purpose:
        yield f"{'':<{width + 13}}for: {check.purpose}"
    if check.remedy:
        yield f"{'':<{width + 13}}-> {check.remedy}"


def _document(found: Diagnosis) -> dict[str, object]:
    return {
        "distribution": found.distribution.name,
        "config": None if found.config is None else str(found.config),
        "exit_code": found.exit_code,
        "checks": [
            {"state": check.state, **{k: v for k, v in asdict(check).items() if k != "details"}}
            for check in found.checks
        ],
    }
