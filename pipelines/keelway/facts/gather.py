"""Everything that planning asks of the machine, looked up once."""

from __future__ import annotations

import platform
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from keelway.facts.actor import find_actor
from keelway.facts.agreement import agree
from keelway.facts.builder import find_builder
from keelway.facts.ci import find_job
from keelway.facts.compose import read_compose, read_deployed
from keelway.facts.epoch import decide_epoch
from keelway.facts.git import NoCommit, read_commit
from keelway.facts.here import Facts, PathKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from keelway.config.loader import Loaded


def gather_facts(
    loaded: Loaded,
    environ: Mapping[str, str],
    programs: Iterable[str] = (),
    *,
    compose: bool = True,
    deploying: Collection[str] | None = None,
) -> Facts:
    """Return what is true here for this configuration.

    Args:
        loaded: The configuration with the place it came from.
        environ: The environment; only names, SOURCE_DATE_EPOCH and what the CI says of its job
            are kept of it.
        programs: Names of programs to look for.
        compose: Whether the compose files of the integration tests are read.
        deploying: Targets whose compose files are read; by default those of every release.

    Raises:
        ConfigError: When the compose file of the integration tests is wrong.
        PlanError: When SOURCE_DATE_EPOCH is no number, or the CI's variables contradict each other
            or git.
    """
    found = read_commit(loaded.root, environ)
    commit = None if isinstance(found, NoCommit) else found
    job = find_job(environ, _read)
    epoch, epoch_source = decide_epoch(environ.get("SOURCE_DATE_EPOCH"), commit)
    return Facts(
        root=loaded.root,
        commit=commit,
        no_commit_reason=found.reason if isinstance(found, NoCommit) else "",
        job=job,
        notes=agree(commit, job),
        epoch=epoch,
        epoch_source=epoch_source,
        variables=frozenset(name for name, value in environ.items() if value),
        programs=find_programs(programs, environ.get("PATH", "")),
        builder=find_builder(environ, job),
        actor=find_actor(job, environ, platform.node()),
        exemptions=loaded.exemptions,
        login_files=login_files(environ),
        paths={path: kind_of(loaded.root / path) for path in loaded.paths()},
        pins=loaded.pins,
        compose=read_compose(loaded, environ) if compose else None,
        place=loaded.place,
        deployed=read_deployed(loaded, environ, deploying),
    )


def _read(path: str) -> str | None:
    """Return the text of a file that the CI's environment names; nothing when it is not there."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def login_files(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return where `docker login` and `podman login` keep logins, as their manuals say.

    >>> login_files({"DOCKER_CONFIG": "/etc/docker", "HOME": "/home/ci"})
    ('/etc/docker/config.json', '/home/ci/.config/containers/auth.json')
    """
    home = environ.get("HOME", "")
    docker = environ.get("DOCKER_CONFIG") or (f"{home}/.docker" if home else "")
    run = environ.get("XDG_RUNTIME_DIR", "")
    found = (
        environ.get("REGISTRY_AUTH_FILE", ""),
        f"{docker}/config.json" if docker else "",
        f"{run}/containers/auth.json" if run else "",
        f"{home}/.config/containers/auth.json" if home else "",
    )
    return tuple(file for file in found if file)


def find_programs(names: Iterable[str], search_path: str) -> dict[str, Path]:
    """Return the absolute path of each program that is installed.

    What is installed beside this Python goes first: a virtual environment need not be active.

    Args:
        names: Programs, as they are typed.
        search_path: The value of PATH.
    """
    beside = str(Path(sys.executable).parent)
    path = f"{beside}:{search_path}" if search_path else beside
    found = {name: shutil.which(name, path=path) for name in names}
    return {name: Path(place).absolute() for name, place in found.items() if place is not None}


def kind_of(path: Path) -> PathKind:
    """Return what is there, following symbolic links."""
    if path.is_dir():
        return "directory"
    return "file" if path.is_file() else "missing"
