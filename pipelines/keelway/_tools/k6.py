"""k6: what to type, and what its exit code means.

Thresholds that were crossed are a result: the summary is read whatever the exit code, and the gate
judges. Every other code means that the test did not take place as it was written.

Example:
    >>> run_argv("/load/test.js", "/work/summary.json")[-1]
    '/load/test.js'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway._tools.tool import Tool

if TYPE_CHECKING:
    from collections.abc import Mapping

K6 = Tool(
    name="k6",
    minimum=(0, 57),  # the first that imports TypeScript
    package="",
    version_argv=("version",),
    install="`CGO_ENABLED=0 go install go.k6.io/k6@v1.8.1`, static",
    optional=True,
)

THRESHOLDS_CROSSED = 99
MARKED_AS_FAILED = 110
"""The script called `test.fail()`; k6 1.4 and newer."""
RESULTS = frozenset({0, THRESHOLDS_CROSSED, MARKED_AS_FAILED})
"""Exit codes of a test that took place."""

# https://github.com/grafana/k6/blob/master/errext/exitcodes/codes.go
_REASONS: Mapping[int, str] = {
    100: "its setup() took too long",
    101: "its teardown() took too long",
    102: "something took too long",
    103: "it was stopped from outside",
    104: "its options are wrong",
    105: "it was stopped by a signal",
    106: "k6 could not open its control port",
    107: "the script threw an exception",
    108: "the script stopped it by test.abort()",
    109: "k6 itself crashed",
}

TREND_STATS = "avg,min,med,max,p(90),p(95),p(99)"

ENVIRONMENT: Mapping[str, str] = {
    # k6 would fetch another k6 where a script imports an extension.
    "K6_AUTO_EXTENSION_RESOLUTION": "false",
    "K6_BINARY_PROVISIONING": "false",
    "K6_NO_USAGE_REPORT": "true",
}
"""What keeps k6 from talking to anybody but the services."""


def run_argv(
    script: str,
    summary: str,
    *,
    vus: int | None = None,
    duration_s: int | None = None,
    iterations: int | None = None,
) -> tuple[str, ...]:
    """Return what runs a script.

    Args:
        script: The script's path.
        summary: The file that its figures are written to.
        vus: Virtual users, in place of the script's own.
        duration_s: Seconds to run, in place of the script's own.
        iterations: Turns of the script in all, in place of the script's own.
    """
    return (
        "run", "--quiet", "--no-color", "--no-usage-report", "--address", "",
        "--summary-export", summary, "--summary-trend-stats", TREND_STATS,
        *(() if vus is None else ("--vus", str(vus))),
        *(() if duration_s is None else ("--duration", f"{duration_s}s")),
        *(() if iterations is None else ("--iterations", str(iterations))),
        script,
    )  # fmt: skip


def reason(code: int) -> str:
    """Return why a test did not take place.

    >>> reason(107)
    'the script threw an exception'
    """
    return _REASONS.get(code, "k6 broke")
