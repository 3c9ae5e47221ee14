"""Repositories to look at, without git and without asking the network."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from keelway.survey import look
from keelway.survey.decide import decide
from keelway.survey.findings import Machine

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from keelway.survey.draft import Draft
    from keelway.survey.findings import Findings

PLAIN = "FROM debian:12.5\nUSER 1000\nHEALTHCHECK CMD true\n"
MACHINE = Machine(platform="linux/amd64", runs=frozenset({"linux/amd64", "linux/arm64"}))


def repository(folder: Path, files: Mapping[str, str]) -> Path:
    """Write the files of a repository; their text may be indented."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
    return folder


def looked(
    folder: Path,
    files: Mapping[str, str],
    *,
    remote: str = "",
    machine: Machine = MACHINE,
    ignores: bool = True,
) -> Findings:
    """Return what a look at a repository finds on a machine that is the same everywhere."""
    repository(folder, files)
    if ignores:
        repository(folder, {".dockerignore": "*\n"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(look, "look_at_machine", lambda _environ: machine)
        patch.setattr(look, "read_remote", lambda _root, _environ: remote)
        return look.survey(folder, {})


def drafted(
    folder: Path, files: Mapping[str, str], *, remote: str = "", machine: Machine = MACHINE
) -> Draft:
    """Return what is made of a repository."""
    return decide(looked(folder, files, remote=remote, machine=machine))
