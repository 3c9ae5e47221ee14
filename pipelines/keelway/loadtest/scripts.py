"""What k6 runs: an entry that puts the configuration's thresholds to a script, or a whole probe.

The probe is a script like any other, made out of the configuration. k6 is there anyway, is one
static binary that runs in an empty container, and measures percentiles and error rates right; a
program of keelway's own would need an interpreter beside the services, which no image promises.

Example:
    >>> ProbeSpec(paths=("/health",)).requests
    200
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Thresholds = Mapping[str, Sequence[str]]

TARGET_VARIABLE = "TARGET"
"""The environment variable that tells a script where the service is."""

DEFAULT_THRESHOLDS: Thresholds = {"http_req_failed": ("rate<0.01",)}
"""What holds where neither script nor configuration says anything of this metric: without it a
service that answers nothing at all would pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptSpec:
    """A project's own script."""

    path: str
    """On this machine."""
    shown: str
    """As messages name it."""
    files: tuple[str, ...] = ()
    """Further files that it imports or opens, as patterns relative to its folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSpec:
    """So many requests to a few paths, and how they are answered."""

    paths: tuple[str, ...] = ("/",)
    """In turn."""
    requests: int = 200
    """How many in all."""
    concurrency: int = 10
    """How many at once."""
    statuses: tuple[int, ...] = ()
    """What counts as an answer; every status from 200 to 399 when empty."""
    request_timeout_s: float = 10
    """Seconds that one may take."""


def entry_script(script: str, thresholds: Thresholds) -> str:
    """Return the module that runs another one with more thresholds.

    k6 has no option for thresholds that a script's own would not replace as a whole. A metric that
    the configuration names is held to the configuration's thresholds alone.

    Args:
        script: The absolute path of the module that is run.
        thresholds: What the configuration asks for, by metric.
    """
    name = json.dumps(script)
    return f"""\
import * as script from {name};
export * from {name};
export default script.default;
const own = script.options || {{}};
export const options = Object.assign({{}}, own, {{
  thresholds: Object.assign({_js(DEFAULT_THRESHOLDS)}, own.thresholds, {_js(thresholds)}),
}});
"""


def probe_script(spec: ProbeSpec, thresholds: Thresholds) -> str:
    """Return the script of a probe.

    Args:
        spec: What is asked.
        thresholds: What the configuration asks for, by metric.
    """
    statuses = ", ".join(map(str, spec.statuses)) or "{ min: 200, max: 399 }"
    return f"""\
import http from 'k6/http';
import exec from 'k6/execution';

const target = __ENV.{TARGET_VARIABLE}.replace(/\\/+$/, '');
const paths = {json.dumps(spec.paths)};
http.setResponseCallback(http.expectedStatuses({statuses}));

export const options = {{
  vus: {min(spec.concurrency, spec.requests)},
  iterations: {spec.requests},
  thresholds: Object.assign({_js(DEFAULT_THRESHOLDS)}, {_js(thresholds)}),
}};

export default function () {{
  const path = paths[exec.scenario.iterationInTest % paths.length];
  http.get(target + path, {{ timeout: {round(spec.request_timeout_s * 1000)}, redirects: 0, \
tags: {{ name: path }} }});
}}
"""


def _js(thresholds: Thresholds) -> str:
    return json.dumps({metric: list(some) for metric, some in thresholds.items()})
