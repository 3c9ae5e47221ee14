"""Health checks proved on real images: in time, worth something, and stopped as told."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

import keelway as kw
from keelway.model.image import BuiltImage, Images
from keelway.model.outcome import Skipped
from keelway.model.platform import AMD64
from keelway.model.policy import PolicyOutcome, PolicyReport, PolicyResult
from keelway.model.tool import HostTool
from keelway.policy.health_rules import RULE_NAMES
from keelway.policy.spec import PolicySpec
from keelway.policy.starting import StartSpec
from keelway.stages.policy import check_policy
from tests.support.missing import need

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.sample_images import SampleImages

pytestmark = pytest.mark.asyncio(loop_scope="module")

SERVES = "trap 'exit 0' TERM INT; httpd -f -p 8080 -h /www & wait"
ASKS = "wget -q -O /dev/null http://127.0.0.1:8080/ok"
QUICK = "--interval=1s --retries=3 --start-period=30s"
PASSED, FAILED, OTHER = PolicyOutcome.PASSED, PolicyOutcome.FAILED, PolicyOutcome.SKIPPED


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """An engine, a base, and a place for reports."""

    run: kw.Run
    base: str
    folder: Path
    busybox: HostTool

    async def check(
        self,
        *command: str,
        health: str = ASKS,
        options: str = QUICK,
        lines: tuple[str, ...] = (),
        start: StartSpec | None = None,
    ) -> PolicyReport:
        """Return what the policy says of an image that runs a command, or a shell's text."""
        words = command if len(command) > 1 else ("/bin/sh", "-c", *command)
        dockerfile = [
            f"FROM {self.base}",
            "RUN mkdir /www && echo fine >/www/ok",
            "USER app",
            *lines,
            f"HEALTHCHECK {options} CMD {json.dumps(['/bin/sh', '-c', health])}",
            f"ENTRYPOINT {json.dumps(words)}",
        ]
        context = self.run.dag.directory().with_new_file("Dockerfile", "\n".join(dockerfile))
        image = BuiltImage(name="app", platform=AMD64, container=context.docker_build())
        spec = PolicySpec(
            starts={"app": start or StartSpec()},
            busybox=self.busybox,
            hadolint=Skipped("not in this test"),
            directory=str(self.folder),
        )
        return await check_policy(self.run, spec, Images(variants=(image,)))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def run() -> AsyncIterator[kw.Run]:
    """One engine for all cases."""
    async with kw.open_session() as session:
        yield kw.Run(session.client)


@pytest.fixture
def bench(run: kw.Run, samples: SampleImages, tmp_path: Path) -> Bench:
    busybox = HostTool(path=need("busybox", package="busybox-static"))
    return Bench(run=run, base=samples.busybox, folder=tmp_path, busybox=busybox)


def outcomes(report: PolicyReport) -> list[PolicyOutcome]:
    """Return what came of the three rules."""
    by_rule = {result.rule: result.outcome for result in report.results}
    return [by_rule[rule] for rule in RULE_NAMES]


def of(report: PolicyReport, rule: str) -> PolicyResult:
    (result,) = [result for result in report.results if result.rule == rule]
    return result


async def test_a_service_that_keeps_its_word(bench: Bench) -> None:
    report = await bench.check(SERVES)
    assert outcomes(report) == [PASSED, PASSED, PASSED], report.results
    (start,) = report.starts
    assert 0 < start.healthy_ms < 30_000
    assert 10_000 < start.memory_bytes < 100_000_000
    assert start.stopped_ms is not None
    assert start.noticed_ms is not None
    assert not start.emulated
    assert of(report, "health-stops").message.startswith("stopped ")


async def test_its_own_stop_signal_is_the_one_that_counts(bench: Bench) -> None:
    ignores = "trap '' TERM; trap 'exit 0' QUIT; httpd -f -p 8080 -h /www & wait"
    assert outcomes(await bench.check(ignores)) == [PASSED, PASSED, FAILED]
    told = await bench.check(ignores, lines=("STOPSIGNAL SIGQUIT",))
    assert outcomes(told) == [PASSED, PASSED, PASSED]


async def test_a_check_that_asks_nothing_is_found_out(bench: Bench) -> None:
    report = await bench.check(
        SERVES, health="true", options="--interval=1s --retries=2 --start-period=30s"
    )
    assert outcomes(report) == [PASSED, FAILED, PASSED]
    result = of(report, "health-detects")
    assert "still passes 2 s after the service is gone" in result.message
    assert result.next_step is not None


async def test_one_that_never_gets_healthy_proves_nothing_more(bench: Bench) -> None:
    report = await bench.check(SERVES, health="echo not yet; false", start=StartSpec(timeout_s=2))
    assert of(report, "starts").failed
    assert outcomes(report) == [OTHER, OTHER, OTHER]
    assert report.starts == ()


async def test_a_first_process_without_a_handler_is_found_out_each_time(bench: Bench) -> None:
    command = "cat /proc/uptime; exec httpd -f -p 8080 -h /www"
    first, again = await bench.check(command), await bench.check(command)
    assert outcomes(first) == outcomes(again) == [PASSED, PASSED, FAILED]
    assert "has no handler" in of(first, "health-stops").message
    assert of(first, "health-stops").output != of(again, "health-stops").output


async def test_one_that_does_not_stop_in_its_grace_period_is_killed(bench: Bench) -> None:
    slow = "trap 'sleep 60' TERM; httpd -f -p 8080 -h /www & wait; wait"
    report = await bench.check(slow, start=StartSpec(stop_grace_s=1))
    assert outcomes(report) == [PASSED, PASSED, FAILED]
    assert "still ran 1 s after its stop signal" in of(report, "health-stops").message
    assert report.starts[0].stopped_ms is None


async def test_one_that_is_slower_than_it_declares_is_found_out(bench: Bench) -> None:
    slow = f"sleep 4; {SERVES}"
    report = await bench.check(slow, options="--interval=1s --retries=2")
    assert of(report, "starts").outcome is PASSED
    assert outcomes(report) == [FAILED, PASSED, PASSED]
    assert "an engine gives it up after 2 s" in of(report, "health-in-time").message


async def test_a_command_that_ends_is_no_service(bench: Bench) -> None:
    report = await bench.check("true", health="true")
    assert outcomes(report) == [OTHER, OTHER, OTHER]
    assert "there is no service to stop" in of(report, "health-stops").message
