"""The files of the monitoring, planned; and the services run with it."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from keelway._cli.env import environment
from keelway._cli.up_view import bring_up
from keelway.ci_templates.repository import Proposal, State, propose
from keelway.ci_templates.seal import seal
from keelway.compose.loader import load_project
from keelway.config import load_config
from keelway.config.loader import find_config
from keelway.config.lock import LOCK_FILE, Pin, render_lock
from keelway.config.monitoring import MonitoringConfig
from keelway.develop.planned import Kind
from keelway.errors import RegistryError
from keelway.facts.compose import pinned_bases
from keelway.facts.gather import login_files
from keelway.monitoring.files import COMPOSE_FILE, PROFILE, monitoring_files
from keelway.monitoring.planned import plan_monitoring
from keelway.registry.client import open_repository
from keelway.registry.logins import load_logins
from keelway.tags.reference import parse_reference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keelway.compose.project import Project
    from keelway.config import Loaded
    from keelway.develop.planned import Asked
    from keelway.develop.up import Options
    from keelway.model.progress_form import ProgressForm

_REMEDY = "`keelway init monitoring` writes Prometheus' and Grafana's files"
STAGE = "monitoring"


def run_monitoring(
    config: Path | None, asked: Asked, options: Options, progress: ProgressForm
) -> None:
    """Run the services with the monitoring.

    Raises:
        PlanError: Its files are not there.
        KeelwayError: What is wrong with it, or went wrong.
    """
    found = config or find_config(Path.cwd())
    root, written = Path.cwd(), MonitoringConfig()
    if found is not None:
        loaded = load_config(Path.cwd(), found)
        root, written = loaded.root, loaded.config.monitoring
    file = root / written.folder / COMPOSE_FILE
    more = (file,) if file.is_file() else ()  # the project's own files may have the profile too
    kind = Kind(profiles=(PROFILE,), remedy=_REMEDY)
    bring_up(replace(asked, kind=kind, more_files=more), options, progress)


def plan_files(
    start: Path, config: Path | None, files: Sequence[Path], *, refresh: bool
) -> tuple[Path, tuple[Proposal, ...]]:
    """Return the configuration's folder, and the files that would be written below it.

    Args:
        start: Where to look for the configuration.
        config: What `--config` named, if anything.
        files: The compose files, if they are named.
        refresh: Whether images are pinned anew.

    Raises:
        ConfigError: The configuration or a compose file is wrong.
        PlanError: No service has metrics.
        RegistryError: An image is not pinned yet, and its registry cannot tell its digest.
    """
    loaded = load_config(start, config)
    project = _project(loaded, files)
    folder = loaded.root / loaded.config.monitoring.folder
    pins = anyio.run(partial(_pinned, loaded, refresh=refresh))
    spec = plan_monitoring(
        loaded.config,
        project,
        {name: pin.reference for name, pin in pins.items()},
        folder=Path(os.path.relpath(folder, project.folder)).as_posix(),
    )
    version = metadata.version("keelway")
    texts = {
        f"{loaded.config.monitoring.folder}/{path}": seal(
            path, text, version=version, by="keelway init monitoring"
        )
        for path, text in monitoring_files(spec).items()
    }
    proposals = propose(loaded.root, texts)
    return loaded.root, (*proposals, *_lock(loaded, pins))


def _project(loaded: Loaded, files: Sequence[Path]) -> Project:
    """Return all services of the project, but for those that this command made."""
    written = loaded.config.integration
    own = [loaded.root / file for file in written.files]
    if not files and all(file.is_file() for file in own):
        files = own
    return load_project(
        files,
        folder=None if files else loaded.root,
        environment={**environment(), **pinned_bases(loaded)},
        profiles=("*",),
    )


async def _pinned(loaded: Loaded, *, refresh: bool) -> Mapping[str, Pin]:
    """Return the images by digest: as configured, as locked, or as the registry says now."""
    written = loaded.config.monitoring
    pins: dict[str, Pin] = {}
    for name, wanted in (("prometheus", written.prometheus), ("grafana", written.grafana)):
        known = loaded.monitoring_pins.get(name)
        if parse_reference(wanted).digest is not None:
            pins[name] = Pin(reference=wanted, inputs=wanted)
        elif known is not None and known.inputs == wanted and not refresh:
            pins[name] = known
        else:
            pins[name] = Pin(reference=await _resolve(wanted), inputs=wanted)
    return pins


async def _resolve(wanted: str) -> str:
    reference = parse_reference(wanted)
    logins = await load_logins(login_files(environment()))
    login = await logins.find(reference.host)
    try:
        async with open_repository(reference.repository, login=login, stage=STAGE) as repository:
            manifest = await repository.manifest(reference.tag or "latest")
    except RegistryError as error:
        error.next_step = (
            f"write {wanted} with its digest under [monitoring], or commit the {LOCK_FILE} "
            "of a machine that reaches the registry"
        )
        raise
    return f"{wanted}@{manifest.digest}"


def _lock(loaded: Loaded, pins: Mapping[str, Pin]) -> tuple[Proposal, ...]:
    """Return the lock file with the pins; nothing where it has them already."""
    if dict(loaded.monitoring_pins) == dict(pins):
        return ()
    file = loaded.root / LOCK_FILE
    present = file.read_text(encoding="utf-8") if file.exists() else None
    return (
        Proposal(
            path=LOCK_FILE,
            text=render_lock(loaded.pins, pins),
            present=present,
            state=State.NEW if present is None else State.OUTDATED,
        ),
    )
