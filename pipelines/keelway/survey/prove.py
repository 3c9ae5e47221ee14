"""The text of a configuration, proved: read as `keelway` reads it, and planned with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.config.loader import CONFIG_FILE, read_config
from keelway.errors import PlanError
from keelway.facts import gather_facts
from keelway.planning import known_programs, plan_release

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from keelway.planning import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplanned:
    """Why a configuration that is right cannot be planned with on this machine."""

    reason: str
    next_step: str


def prove(text: str, folder: Path, environ: Mapping[str, str]) -> Plan | Unplanned:
    """Return the plan for the configuration that the text would be in the folder.

    Raises:
        ConfigError: The text is wrong, or the exceptions or the lock file beside it.
    """
    loaded = read_config(text, folder / CONFIG_FILE)
    try:
        facts = gather_facts(loaded, environ, known_programs())
        return plan_release(loaded.config, facts)
    except PlanError as error:
        return Unplanned(reason=error.message, next_step=error.next_step or "")
