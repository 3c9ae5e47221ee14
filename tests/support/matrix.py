"""Follows what becomes of the tests that the requirements of the examples name, and tells it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.requirements import RequirementsError, page, printed, systems

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

FLOW = "flow"
"""The property that a test reports an example's times by."""
KNOWN = "keelway/matrix"
WORST_LAST = ("passed", "skipped", "failed")


class Matrix:
    """The results of this session's tests; with xdist, those of all workers."""

    def __init__(self, target: Path | None, cache: pytest.Cache, *, again: bool) -> None:
        """Keep where the page is written, if it is, and begin with what is known.

        Args:
            target: The page.
            cache: Where results outlive the session.
            again: Whether only what failed runs: of the rest the results are known.
        """
        self._target = target
        self._cache = cache
        known = cache.get(KNOWN, {}) if again else {}
        self._results: dict[str, str] = known.get("results", {})
        self._flows: dict[str, dict[str, Any]] = known.get("flows", {})
        self._now: set[str] = set()

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the worst of all phases and parameters of a test."""
        name = report.nodeid.partition("[")[0]
        if report.when == "call" or report.outcome != "passed":
            before = self._results.get(name, "passed") if name in self._now else "passed"
            self._now.add(name)
            self._results[name] = max(before, report.outcome, key=WORST_LAST.index)
        for key, value in report.user_properties:
            if key == FLOW and isinstance(value, dict):
                self._flows[value["name"]] = value

    @pytest.hookimpl
    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        """Print requirement, how, test and result, where examples ran."""
        if not any(name.startswith("tests/examples/") for name in self._results):
            return
        try:
            lines = printed(self._results)
        except (OSError, RequirementsError) as error:
            lines = [f"no table: {error}"]
        terminalreporter.section("the four systems")
        for line in lines:
            terminalreporter.write_line(line)
        for name, flow in self._flows.items():
            terminalreporter.write_line(
                f"{name}: whole flow {flow['cold']:.1f} s cold, {flow['again']:.1f} s again"
            )

    @pytest.hookimpl
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the page; where a requirement is not shown to be fulfilled, the run has failed."""
        if self._target is None:
            return
        self._cache.set(KNOWN, {"results": self._results, "flows": self._flows})
        shown = {one.result(self._results) for system in systems() for one in system.requirements}
        if "not run" not in shown:
            self._target.write_text(page(self._results, self._flows, _machine()))
        if shown != {"passed"}:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def add_option(parser: pytest.Parser) -> None:
    """Add the option that names the page."""
    parser.addoption(
        "--matrix",
        type=Path,
        help="write what the four systems demand, and what became of it, here",
    )


def register(config: pytest.Config) -> None:
    """Follow the tests of this session; a worker's are followed by who started it."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        target: Any = config.getoption("--matrix")
        again = bool(config.getoption("lf", default=False))
        assert config.cache is not None
        config.pluginmanager.register(Matrix(target, config.cache, again=again), "keelway-matrix")


def _machine() -> str:
    cores = os.cpu_count() or 1
    return f"{cores} cores" if cores > 1 else "one core"
