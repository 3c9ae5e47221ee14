"""The script that carries an experiment out (`experiment.sh` beside this file)."""

from __future__ import annotations

import shlex
from importlib import resources
from typing import TYPE_CHECKING

from keelway.stack.supervise import BOARD_PATH, BUSYBOX_PATH, words

if TYPE_CHECKING:
    from keelway.faults.spec import FaultSpec

SCRIPT_PATH = "/experiment"
RECORD_PATH = "/record"
_SAID_PATH = "/said"
_SPARE_S = 30.0
"""How long a supervisor may take to do the fault, beside the service's own grace period."""
_ANY_GOOD = (200, 399)


def experiment_script(spec: FaultSpec) -> str:
    """Return the script: it writes what it sees to `RECORD_PATH`, and ends with exit code 0.

    Args:
        spec: The experiment.
    """
    grace_s = spec.beside.project.services[spec.service].stop_grace_period_s
    settings = {
        "B": BUSYBOX_PATH,
        "board": BOARD_PATH,
        "record": RECORD_PATH,
        "said": _SAID_PATH,
        "hit": spec.service,
        "fault": spec.fault,
        "late": _hundredths(spec.latency_s),
        "duration": "0" if spec.fault == "restart" else _hundredths(spec.duration_s),
        "limit": str(spec.probe_timeout_s),
        "steady_limit": _hundredths(spec.steady_within_s),
        "inject_limit": _hundredths(grace_s + _SPARE_S),
        "within": _hundredths(spec.recovers_within_s),
    }
    lines = [f"{key}={shlex.quote(value)}" for key, value in settings.items()]
    asks = [
        shlex.join(["ask", str(number), *map(str, _range(spec, number)), url])
        for number, url in enumerate(spec.urls)
    ]
    text = resources.files("keelway.faults").joinpath("experiment.sh").read_text(encoding="utf-8")
    return "\n".join([*lines, f"ask_all() {{ {'; '.join(asks)}; }}", words(), text])


def _range(spec: FaultSpec, number: int) -> tuple[int, int]:
    """Return the statuses of an answer when all is well."""
    return _ANY_GOOD if number else (spec.status, spec.status)


def _hundredths(seconds: float) -> str:
    return str(round(seconds * 100))
