"""What keelway has left on this machine: listed, and removed."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from keelway._cli import output
from keelway._cli.env import environment
from keelway._engines import Program, choose_engine
from keelway.config import load_config
from keelway.develop.ending import end_rest
from keelway.develop.state import StateFolder, known_projects, state_root
from keelway.errors import ConfigError, KeelwayError, SessionError
from keelway.model.engine_choice import EngineChoice
from keelway.report.reading import read_report
from keelway.report.writing import REPORT_FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from keelway.report.document import ReportDocument

_DAY_S = 24 * 60 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Litter:
    """One thing that nobody needs any more."""

    what: str
    why: str
    remove: Callable[[], None]


def clean_up(config: Path | None, *, days: int, dry_run: bool) -> None:
    """List what nobody needs any more, and remove it.

    Args:
        config: What `--config` named, if anything.
        days: Reports that are not older are kept.
        dry_run: Whether it is only listed.

    Raises:
        ConfigError: The configuration is wrong.
        KeelwayError: Something cannot be removed.
    """
    found = [*_projects(), *_reports(config, days), *_store()]
    for one in found:
        output.result(f"{'would remove' if dry_run else 'removes'}  {one.what}: {one.why}")
    if not found:
        output.result("there is nothing to remove")
    for one in () if dry_run else found:
        try:
            one.remove()
        except OSError as error:
            raise KeelwayError(
                f"{one.what} cannot be removed: {error.strerror}",
                next_step="what is listed above it is gone; mend this, and clean again",
            ) from error


def _projects() -> Iterator[Litter]:
    """Yield what is kept of projects that do not run; one that runs is never looked into."""
    for folder in known_projects(state_root(environment())):
        if not folder.is_held():
            yield Litter(
                what=str(folder.path),
                why=f"state and logs of {folder.name}, which does not run",
                remove=partial(_remove_project, folder),
            )


def _remove_project(folder: StateFolder) -> None:
    state = folder.read()
    if state is not None:
        end_rest(state)
    lock = folder.lock()
    if lock is not None:  # nobody has started it meanwhile
        folder.remove()


def _reports(config: Path | None, days: int) -> Iterator[Litter]:
    """Yield the files that an old report names: nothing else in its folder is keelway's."""
    try:
        loaded = load_config(Path.cwd(), config)
    except ConfigError as error:
        if config is not None or not any("not found" in one.text for one in error.problems):
            raise
        return
    folder = loaded.root / loaded.config.report.directory
    file = folder / REPORT_FILE
    if not file.is_file() or time.time() - file.stat().st_mtime < days * _DAY_S:
        return
    for one in sorted(_named(read_report(file), folder)):
        age = (time.time() - one.stat().st_mtime) / _DAY_S
        yield Litter(what=str(one), why=f"of a report of {age:.0f} days ago", remove=one.unlink)


def _named(document: ReportDocument, folder: Path) -> set[Path]:
    """Return the files of a report that are there; one outside of its folder is none of it."""
    names = {REPORT_FILE, *(one.path for one in document.files)}
    if document.scan is not None:
        names |= {one.report for one in document.scan.targets}
        names |= {two.report for one in document.scan.targets for two in one.second_opinions}
    inside = folder.resolve()
    files = {folder / name for name in names}
    return {
        one
        for one in files
        if one.is_file() and not one.is_symlink() and one.resolve().is_relative_to(inside)
    }


def _store() -> Iterator[Litter]:
    """Yield what the local engine's own policy does not keep."""
    try:
        engine = choose_engine(EngineChoice.LOCAL, {})
    except SessionError:
        return
    if not isinstance(engine, Program):
        return
    known = _pruned(engine, "--dry-run")
    if known.get("parts"):
        yield Litter(
            what=f"{len(known['parts'])} parts of the store {known['store']}",
            why=f"{known['size'] / 1e6:.1f} MB beyond its limits, not used for longest",
            remove=partial(_prune, engine),
        )


def _prune(engine: Program) -> None:
    _pruned(engine)


def _pruned(engine: Program, *options: str) -> dict[str, Any]:
    command = [*engine.command, "prune", "--json", *options]
    done = anyio.run(partial(anyio.run_process, command, check=False))
    if done.returncode != 0:
        raise KeelwayError(
            "the local engine cannot say what its store holds",
            why=done.stderr.decode(errors="replace").strip(),
            next_step="`keelway engine doctor` tells what is wrong with it",
        )
    known: dict[str, Any] = json.loads(done.stdout)
    return known
