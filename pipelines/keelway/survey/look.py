"""The look itself: all that is asked of the disk, of git and of this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from keelway._tools.trivy import DATABASE_HOSTS
from keelway.facts.gather import login_files
from keelway.facts.git import read_remote
from keelway.facts.processor import how_it_runs, native_platform
from keelway.model.platform import KNOWN
from keelway.survey.ci_files import read_ci
from keelway.survey.composed import read_composed
from keelway.survey.dockerfiles import find_dockerfiles
from keelway.survey.findings import Findings, Machine
from keelway.survey.languages import find_manifests
from keelway.survey.loose import as_table, table
from keelway.survey.remotes import project_of

if TYPE_CHECKING:
    from collections.abc import Mapping


def survey(root: Path, environ: Mapping[str, str]) -> Findings:
    """Return what a repository has, and what this machine is.

    Args:
        root: The repository's folder.
        environ: The environment.
    """
    remote = read_remote(root, environ)
    dockerfiles, left_out = find_dockerfiles(root)
    composed = read_composed(root)
    from_ci = read_ci(root, project_of(remote))
    return Findings(
        folder=root.resolve().name,
        dockerfiles=dockerfiles,
        left_out=left_out,
        builds=(*composed.builds, *from_ci.builds),
        suites=composed.suites,
        repositories=(*from_ci.repositories, *composed.repositories),
        platforms=from_ci.platforms,
        rules=from_ci.rules,
        rules_from=from_ci.rules_from,
        ci=from_ci.files,
        manifests=tuple(find_manifests(root)),
        remote=remote,
        notes=(*composed.notes, *from_ci.notes),
        machine=look_at_machine(environ) if dockerfiles else Machine(),
    )


def look_at_machine(environ: Mapping[str, str]) -> Machine:
    """Return what is true of this machine."""
    from keelway.registry.answering import first_that_answers  # noqa: PLC0415 -- loads HTTP

    return Machine(
        platform=native_platform(),
        runs=frozenset(one for one in KNOWN if how_it_runs(one) is not None),
        logins=_logins(environ),
        has_database=first_that_answers(DATABASE_HOSTS) is not None,
    )


def _logins(environ: Mapping[str, str]) -> frozenset[str]:
    """Return the registries that a file of logins names; no helper is asked for a password."""
    found: set[str] = set()
    for file in login_files(environ):
        try:
            document = as_table(json.loads(Path(file).read_text(encoding="utf-8")))
        except (OSError, ValueError):
            continue
        hosts = (*table(document, "auths"), *table(document, "credHelpers"))
        found |= {host.partition("://")[2] or host for host in hosts}
    return frozenset(host.partition("/")[0] for host in found)
