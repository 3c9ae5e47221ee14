"""Experiments on a real engine: a service is hurt, and the one that needs it is judged."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

import keelway as kw
from keelway.compose.project import HealthCheck
from keelway.errors import ConfigError
from keelway.model.tests import CaseStatus
from keelway.model.tool import HostTool
from keelway.report.tests_files import tests_markdown as markdown_of
from keelway.stack.spec import StackSpec
from keelway.stages.integration import IntegrationSpec, run_integration
from tests.support.missing import need
from tests.support.stacks import ANSWERS, SERVE, START_LIMIT_S, StackBench, completed, healthy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from keelway.compose.project import Service
    from keelway.model.faults import FaultResult
    from keelway.model.tests import CaseResult, ServiceResult, SuiteResult
    from tests.support.projects import Project
    from tests.support.sample_images import SampleImages

# `/` is there without the database; `/cgi-bin/orders` asks it, and gives up after some seconds.
PATIENCE_S = 4
WEB = """\
mkdir -p /w/cgi-bin; echo hello >/w/index.html
cat >/w/cgi-bin/orders <<'X'
#!/bin/sh
if timeout -s KILL $PATIENCE_S wget -qO /dev/null http://db:8080/; then status='200 OK'
else status='503 Service Unavailable'; fi
printf 'Status: %s\\r\\n\\r\\n' "$status"
X
chmod +x /w/cgi-bin/orders; echo serving orders
exec httpd -f -p 8080 -h /w"""
PATIENCE = {"PATIENCE_S": str(PATIENCE_S)}
ORDERS = "http://web:8080/cgi-bin/orders"
ONCE = f"[ ! -f /once ] || {{ echo the disk is full; exit 5; }}; touch /once; {SERVE}"
PATIENT = {"probe_timeout_s": 30, "recovers_within_s": 60, "steady_within_s": 60}
IN_ONE_LOOP = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True)
class Went:
    """How all experiments of this file went: they run side by side, as they do in a release."""

    suite: SuiteResult

    def cases(self, experiment: str) -> dict[str, CaseResult]:
        """Return the cases of one, by name."""
        return {case.name: case for case in self.suite.cases if case.classname == experiment}

    def statuses(self, experiment: str) -> dict[str, CaseStatus]:
        """Return how they ended."""
        return {name: case.status for name, case in self.cases(experiment).items()}

    def fault(self, experiment: str) -> FaultResult:
        """Return what came of one."""
        return next(fault for fault in self.suite.faults if fault.name == experiment)

    def service(self, experiment: str, name: str) -> ServiceResult:
        """Return one of its services."""
        found = [one for one in self.suite.services if one.experiment == experiment]
        return next(one for one in found if one.name == name)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(
    samples: SampleImages, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[StackBench]:
    """One engine for all experiments."""
    busybox = HostTool(path=need("busybox", package="busybox-static"))
    folder = tmp_path_factory.mktemp("faults")
    async with kw.open_session() as session:
        run = kw.Run(session.client)
        yield StackBench(run=run, image=samples.busybox, folder=folder, busybox=busybox)


def shop(bench: StackBench, db: str = SERVE, **web: Any) -> tuple[Service, Service]:
    """Return a service and the database that it needs."""
    given: dict[str, Any] = {
        "depends_on": healthy("db"), "healthcheck": ANSWERS, "environment": PATIENCE, **web
    }  # fmt: skip
    database = bench.service("db", db, healthcheck=ANSWERS, expose=("8080",))
    return bench.service("web", WEB, **given), database


def hurt(bench: StackBench, name: str, *services: Service, **more: Any) -> kw.FaultSpec:
    """Return an experiment on `db`, with `web` probed, unless more is said."""
    project = bench.project(*(services or shop(bench)))
    beside = StackSpec(
        project=project, services=("web",), start_limit_s=START_LIMIT_S, busybox=bench.busybox
    )
    given: dict[str, Any] = {
        "service": "db", "probe": ORDERS, "expect": "recovers", "duration_s": 0.5, **PATIENT, **more
    }  # fmt: skip
    return kw.FaultSpec(name=name, beside=beside, **given)


async def carried_out(bench: StackBench, *faults: kw.FaultSpec) -> kw.TestResults:
    """Return what the integration stage says of experiments."""
    spec = IntegrationSpec(
        faults=faults, busybox=bench.busybox, directory=str(bench.folder / "report")
    )
    return await run_integration(bench.run, spec, bench.images)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def went(bench: StackBench) -> Went:
    """Carry all experiments out."""
    job = bench.service("db", "echo done")
    after_job = bench.service("web", WEB, depends_on=completed("db"), healthcheck=ANSWERS)
    results = await carried_out(
        bench,
        hurt(bench, "killed", fault="kill", expect="degrades", unaffected=("/",)),
        hurt(bench, "restarted", fault="restart"),
        hurt(bench, "paused", fault="pause", expect="degrades"),
        hurt(bench, "cut", fault="partition", expect="degrades", unaffected=("/",)),
        hurt(
            bench, "slow", *shop(bench, environment={"PATIENCE_S": "60"}), fault="latency",
            latency_s=0.4, expect="stays-up", duration_s=1, probe_timeout_s=60,
        ),
        hurt(
            bench, "doomed", *shop(bench, ONCE), fault="kill", expect="stays-up",
            recovers_within_s=1,
        ),
        hurt(
            bench, "unwell", fault="kill", probe="http://web:8080/nothing-here", steady_within_s=0.5
        ),
        hurt(bench, "finished", after_job, job, fault="kill", probe="http://web:8080/"),
        hurt(bench, "itself", service="web", fault="stop"),
    )  # fmt: skip
    (suite,) = results.suites
    return Went(suite)


WELL = {"steady-state": CaseStatus.PASSED, "recovers": CaseStatus.PASSED}


@IN_ONE_LOOP
async def test_one_that_degrades_while_its_database_is_dead(went: Went) -> None:
    assert went.statuses("killed") == {
        **WELL, "degrades": CaseStatus.PASSED, "unaffected": CaseStatus.PASSED,
    }, went.cases("killed")  # fmt: skip
    fault = went.fault("killed")
    assert fault.answers["503"] >= 1
    assert fault.recovered_s is not None
    events = "\n".join(went.service("killed", "db").events)
    assert "killed: by the experiment" in events
    assert "started again" in events
    assert went.service("killed", "db").state in {"starting", "healthy"}  # it is there again


@IN_ONE_LOOP
async def test_one_that_comes_back_when_its_database_was_restarted(went: Went) -> None:
    assert went.statuses("restarted") == WELL, went.cases("restarted")
    assert "restarted by the experiment" in "\n".join(went.service("restarted", "db").events)


@IN_ONE_LOOP
@pytest.mark.parametrize("name", ["paused", "cut"])
async def test_one_whose_database_answers_nothing_any_more(went: Went, name: str) -> None:
    assert went.statuses(name).items() >= {**WELL, "degrades": CaseStatus.PASSED}.items()
    assert went.fault(name).slowest_s >= PATIENCE_S - 0.5  # it waited, and was not refused at once


@IN_ONE_LOOP
async def test_one_that_stays_up_while_its_database_is_slow(went: Went) -> None:
    assert went.statuses("slow") == {**WELL, "stays-up": CaseStatus.PASSED}, went.cases("slow")
    assert went.fault("slow").slowest_s >= 0.4
    assert set(went.fault("slow").answers) == {"200"}


@IN_ONE_LOOP
async def test_one_that_never_recovers_says_why(went: Went) -> None:
    assert went.statuses("doomed") == {
        "steady-state": CaseStatus.PASSED,
        "stays-up": CaseStatus.FAILED,
        "recovers": CaseStatus.FAILED,
    }
    cases = went.cases("doomed")
    assert f"db killed for 0.5 s: {ORDERS} answered 503" in cases["stays-up"].message
    assert cases["recovers"].message == (
        f"db killed for 0.5 s: not recovered within 1 s: at last {ORDERS} answered 503"
    )
    told = "\n".join(went.suite.told())
    for part in ("service of doomed db exited with code 5", "| the disk is full", "not recovered"):
        assert part in told, told
    assert "of killed" not in told  # what went well is no noise here


@IN_ONE_LOOP
async def test_one_that_was_not_well_before_is_an_error_of_its_own(went: Went) -> None:
    (case,) = went.cases("unwell").values()
    assert (case.name, case.status) == ("steady-state", CaseStatus.ERROR)
    assert case.message == ("not well before the fault: http://web:8080/nothing-here answered 404")
    assert "killed" not in "\n".join(went.service("unwell", "db").events)


@IN_ONE_LOOP
async def test_one_that_has_ended_cannot_be_hurt(went: Went) -> None:
    (case,) = went.cases("finished").values()
    assert (case.status, case.message) == (CaseStatus.ERROR, "not begun: db is exited")


@IN_ONE_LOOP
async def test_the_probed_service_itself_may_be_stopped(went: Went) -> None:
    assert went.statuses("itself") == WELL, went.cases("itself")
    assert "none" in went.fault("itself").answers


@IN_ONE_LOOP
async def test_all_logs_are_kept_and_all_experiments_are_on_the_page(
    went: Went, bench: StackBench
) -> None:
    for name in ("killed", "doomed", "unwell"):
        folder = bench.folder / "report/integration/faults" / name
        assert {file.name for file in folder.iterdir()} == {"db.log", "web.log", "experiment.log"}
        assert "serving orders" in (folder / "web.log").read_text()
    log = (bench.folder / "report/integration/faults/killed/experiment.log").read_text()
    assert f"{ORDERS}: 503" in log
    page = markdown_of(kw.TestResults(suites=(went.suite,)))
    assert "| slow | db delayed by 0.4 s for 1 s | stays-up | 200 (" in page
    assert "| doomed | db killed for 0.5 s | stays-up |" in page


@IN_ONE_LOOP
async def test_a_network_without_known_ports_cannot_be_cut(bench: StackBench) -> None:
    web, db = shop(bench)
    portless = bench.service("db", SERVE, healthcheck=HealthCheck(test=("NONE",)))
    assert db.expose
    with pytest.raises(ConfigError, match=r"compose.yaml:7: services.db.expose") as caught:
        await carried_out(bench, hurt(bench, "cut", web, portless, fault="partition"))
    assert "EXPOSE" in caught.value.diagnostics()


# --- the whole way: configuration, plan, command, report ------------------------------------------

COMPOSE = """\
services:
  app:
    image: app
    depends_on: {{db: {{condition: service_healthy}}}}
    healthcheck: {{test: [CMD, "true"], interval: 1s}}
  db:
    image: {image}
    command: [sh, -c, {serve}]
    healthcheck:
      {{test: [CMD, wget, -qO-, "http://127.0.0.1:8080/"], interval: 1s, retries: 60}}
"""
DOCKERFILE = """\
ARG BASE
FROM ${BASE} AS runtime
RUN mkdir /w && echo hello > /w/index.html
USER app
ENTRYPOINT ["/bin/httpd", "-f", "-p", "8080", "-h", "/w"]
"""
FAULTS = """
[[integration.suites]]
name = "never-run"
image = "localhost:1/none"

[[integration.faults]]
name = "database-killed"
service = "db"
fault = "kill"
duration_s = 0.3
probe = "http://app:8080/"
expect = "degrades"
recovers_within_s = 60
"""


def test_the_command_runs_only_experiments_and_the_gate_judges_them(
    project: Project, samples: SampleImages
) -> None:
    need("busybox", package="busybox-static")
    config = (project.folder / "keelway.toml").read_text()
    files: Mapping[str, str] = {
        "keelway.toml": config.replace(', "linux/arm64"', "") + FAULTS,
        "Dockerfile": DOCKERFILE,
        "compose.yaml": COMPOSE.format(image=samples.busybox, serve=json.dumps(SERVE)),
    }
    project.write(dict(files))
    done = project.keelway("test", "--faults", "--engine", "local")
    assert done.code == 6, done.text()  # it never asks its database: so it does not degrade
    for part in (
        "refused: test faults/database-killed.degrades: db killed for 0.3 s",
        "did not degrade to 503: at the end of the fault it answered 200",
        "database-killed: db killed for 0.3 s: answered 200",
    ):
        assert part in done.err, done.err
    report = project.report()
    (suite,) = report["tests"]["suites"]
    assert (suite["name"], suite["images"]) == ("faults", ["app"])
    (fault,) = suite["faults"]
    assert fault["recovered_s"] is not None
    assert [breach["because"] for breach in report["verdict"]["breaches"]] == ["tests"]
    assert report["tests"]["notes"] == [
        "no test suites: `keelway test --faults` only injects faults"
    ]
    junit = (project.folder / ".keelway/integration.junit.xml").read_text()
    assert 'classname="database-killed" name="recovers"' in junit
    logs = {file["path"] for file in report["files"] if file["kind"] == "log"}
    assert logs == {
        f"integration/faults/database-killed/{name}.log" for name in ("experiment", "db", "app")
    }
