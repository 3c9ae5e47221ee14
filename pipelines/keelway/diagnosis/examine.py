"""All checks, in the order in which people mend things."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway._registries import own_keyring
from keelway._tools import mmdebstrap
from keelway.config import load_config
from keelway.diagnosis.check import Check
from keelway.diagnosis.database import check_database
from keelway.diagnosis.distribution import Distribution, this_distribution
from keelway.diagnosis.engines import check_engines
from keelway.diagnosis.machine import (
    USUAL,
    check_clock,
    check_disk,
    check_namespaces,
    check_platforms,
)
from keelway.diagnosis.needs import tool_needs
from keelway.diagnosis.registries import check_registries
from keelway.diagnosis.tools import check_git, check_mmdebstrap, check_tools
from keelway.dockerfile import DockerfileError, SyntaxProblem, parse
from keelway.dockerfile.instructions import Run
from keelway.errors import ConfigError, KeelwayError, PlanError
from keelway.facts.gather import find_programs, gather_facts
from keelway.planning import known_programs, plan_release

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from keelway.config import Config, Loaded


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What was found."""

    distribution: Distribution
    config: Path | None
    checks: tuple[Check, ...]

    @property
    def exit_code(self) -> int:
        """Return 0, or the code of the first lack of what is needed."""
        return next((one.code for one in self.checks if one.state == "missing"), 0)


async def examine(folder: Path, file: Path | None, environ: Mapping[str, str]) -> Diagnosis:
    """Return what this machine can do, measured by the configuration of a folder.

    Args:
        folder: Where the configuration is looked for.
        file: The configuration itself, if it was named.
        environ: The environment.
    """
    search_path = environ.get("PATH", "")
    distribution = this_distribution(search_path)
    loaded, own = _configuration(folder, file, environ)
    config = None if loaded is None else loaded.config
    names = [*known_programs(), "git", mmdebstrap.PROGRAM]
    found = find_programs(names, search_path)
    engines, store = await check_engines(environ, distribution)
    answered = await check_registries(
        () if config is None else config.registries,
        environ,
        own_keyring(config, folder if loaded is None else loaded.root, environ),
    )
    now_s = time.time()
    told = [(one.time[0], now_s + one.time[1]) for one in answered if one.time is not None]
    return Diagnosis(
        distribution=distribution,
        config=None if loaded is None else loaded.file,
        checks=(
            *engines,
            *check_platforms(*_platforms(loaded), distribution),
            check_namespaces(),
            check_disk(store or environ.get("KEELWAY_STORE") or "/var/lib/keelway"),
            check_clock(now_s, told),
            *await check_tools(tool_needs(config), found, distribution),
            await check_database(config, folder if loaded is None else loaded.root, environ, now_s),
            check_git(found, distribution),
            check_mmdebstrap(found, distribution, needed=config is not None and bool(config.base)),
            *(check for one in answered for check in one.checks),
            *own,
        ),
    )


def _configuration(
    folder: Path, file: Path | None, environ: Mapping[str, str]
) -> tuple[Loaded | None, list[Check]]:
    """Return the configuration, and how it stands here."""
    try:
        loaded = load_config(folder, file)
    except ConfigError as error:
        if file is None and error.problems and "not found from" in error.problems[0].text:
            text, remedy = "there is none here", "keelway init"
            return None, [_own(text, ok=False, remedy=remedy)]
        remedy = error.next_step or ""
        return None, [_own(error.message, ok=False, remedy=remedy, code=error.exit_code)]
    except KeelwayError as error:
        remedy = error.next_step or ""
        return None, [_own(error.message, ok=False, remedy=remedy, code=error.exit_code)]
    return loaded, [_planned(loaded, environ)]


def _own(text: str, *, ok: bool, remedy: str = "", code: int = 0) -> Check:
    return Check(
        group="configuration",
        name="keelway.toml",
        ok=ok,
        text=text,
        purpose="everything",
        needed=code != 0,
        remedy=remedy,
        code=code,
    )


def _planned(loaded: Loaded, environ: Mapping[str, str]) -> Check:
    """Return whether a release can be planned: secrets, pins and paths are looked up."""
    try:
        facts = gather_facts(loaded, environ, known_programs())
        plan_release(loaded.config, facts)
    except (PlanError, ConfigError) as error:
        remedy = error.next_step or "keelway plan"
        return _own(error.message, ok=False, remedy=remedy, code=error.exit_code)
    return _own(f"{loaded.file}: a release can be planned", ok=True)


def _platforms(loaded: Loaded | None) -> tuple[Sequence[str], Sequence[str]]:
    """Return the platforms to tell of, and those that commands run for."""
    if loaded is None:
        return USUAL, ()
    wanted = [one for image in loaded.config.images.values() for one in image.platforms]
    return wanted, [*_running(loaded.config, loaded.root)]


def _running(config: Config, root: Path) -> set[str]:
    found: set[str] = set()
    for image in config.images.values():
        try:
            text = (root / image.dockerfile_path).read_text(encoding="utf-8", errors="replace")
            stages = parse(text, image.dockerfile_path).stages
        except (OSError, DockerfileError, SyntaxProblem):
            continue
        if any(isinstance(one, Run) for stage in stages for one in stage.instructions):
            found |= set(image.platforms)
    return found
