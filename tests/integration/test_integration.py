"""Test suites beside their services on a real engine: what is a result, and what is an error."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
import pytest_asyncio

import keelway as kw
from keelway.compose.project import HealthCheck
from keelway.errors import ToolError, ToolOutputError
from keelway.model.tests import CaseStatus
from keelway.model.tool import HostTool
from keelway.report.tests_files import tests_junit as junit_of
from keelway.report.tests_files import tests_markdown as markdown_of
from keelway.stack.spec import SuiteSpec
from tests.support.leftovers import traces, wait_until
from tests.support.missing import need
from tests.support.stacks import ANSWERS, SERVE, StackBench, healthy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import dagger

    from tests.support.projects import Project
    from tests.support.sample_images import SampleImages

JUNIT = ("/tmp/*.xml",)
ONE_OF_TWO = """\
cat >/tmp/a.xml <<X
<testsuite><testcase classname="api" name="get" time="0.5"/>
<testcase classname="api" name="put"><failure message="409">conflict</failure></testcase>
</testsuite>
X
exit 1
"""
PASSED = """echo '<testsuite><testcase name="get"/></testsuite>' >/tmp/a.xml"""
IN_ONE_LOOP = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client() -> AsyncIterator[dagger.Client]:
    """One engine for all cases."""
    async with kw.open_session() as session:
        yield session.client


@pytest.fixture
def bench(client: dagger.Client, samples: SampleImages, tmp_path: Path) -> StackBench:
    busybox = HostTool(path=need("busybox", package="busybox-static"))
    return StackBench(run=kw.Run(client), image=samples.busybox, folder=tmp_path, busybox=busybox)


@IN_ONE_LOOP
async def test_cases_are_read_and_logs_are_kept(bench: StackBench) -> None:
    web = bench.service("web", SERVE, healthcheck=ANSWERS)
    suite = await bench.suite(bench.service("tests", f"echo said; {ONE_OF_TWO}"), web, junit=JUNIT)
    assert [(case.label, case.status, case.message) for case in suite.cases] == [
        ("api.get", CaseStatus.PASSED, ""),
        ("api.put", CaseStatus.FAILED, "409"),
    ]
    assert suite.code == 1
    (service,) = suite.services
    assert (service.state, service.log) == ("healthy", "integration/api/web.log")
    report = bench.folder / "report"
    assert (report / "integration/api/web.log").read_text() == "serving\n"
    assert (report / "integration/api/tests.log").read_text() == "said\n"


@IN_ONE_LOOP
async def test_without_junit_the_exit_code_is_the_result(bench: StackBench) -> None:
    bad = await bench.suite(bench.service("tests", "exit 1"))
    good = await bench.suite(bench.service("tests", "exit 0"))
    assert [case.status for case in bad.cases] == [CaseStatus.FAILED]
    assert [case.status for case in good.cases] == [CaseStatus.PASSED]


@IN_ONE_LOOP
@pytest.mark.parametrize(
    ("script", "junit", "what"),
    [
        ("exit 2", JUNIT, "exit code 2 and no failed test"),  # it broke before it could write
        (f"{PASSED}; exit 3", JUNIT, "exit code 3 and no failed test"),
        ("true", JUNIT, "wrote no test to"),
        ("no-such-program", (), "exit code 127"),
        ("kill -SEGV $$", (), "exit code 139"),
    ],
)
async def test_a_tool_that_breaks_is_no_result(
    bench: StackBench, script: str, junit: tuple[str, ...], what: str
) -> None:
    with pytest.raises(ToolError, match=what) as caught:
        await bench.suite(bench.service("tests", f"echo said; {script}"), junit=junit)
    assert "said" in caught.value.diagnostics()


@IN_ONE_LOOP
async def test_what_is_no_junit_is_named(bench: StackBench) -> None:
    with pytest.raises(ToolOutputError, match="not a JUnit file"):
        await bench.suite(bench.service("tests", "echo '<a' >/tmp/a.xml"), junit=JUNIT)


@IN_ONE_LOOP
async def test_tests_that_do_not_end_are_ended(bench: StackBench) -> None:
    suite = await bench.suite(bench.service("tests", "echo began; sleep 300"), timeout_s=1)
    (case,) = suite.cases
    assert (case.status, case.message) == (
        CaseStatus.ERROR, "the tests were not finished after 1 s",
    )  # fmt: skip
    assert suite.tail == "began"


@IN_ONE_LOOP
async def test_a_service_that_never_gets_healthy_is_told_everywhere(bench: StackBench) -> None:
    check = HealthCheck(test=("CMD-SHELL", "echo no route; exit 1"), interval_s=0.2, retries=2)
    db = bench.service("db", "echo cannot bind; sleep 300", healthcheck=check)
    tests = bench.service("tests", "true", depends_on=healthy("db"))
    spec = SuiteSpec(name="api", tests=tests, project=bench.project(db))
    results = await bench.tests(spec)
    (failed,) = results.failures()
    assert failed.message.startswith("the tests were not started: db: it is unhealthy")
    for text in (
        "\n".join(results.suites[0].told()),
        junit_of(results),
        markdown_of(results),
    ):
        for part in ("db: it is unhealthy", "db unhealthy", "no route", "cannot bind"):
            assert part in text, (part, text)
    assert ET.fromstring(junit_of(results))[0].get("errors") == "1"  # noqa: S314 - our own


@IN_ONE_LOOP
async def test_suites_run_side_by_side_each_with_its_own_services(bench: StackBench) -> None:
    # Both serve the same port under the same name, and see only what was put into their own.
    web = bench.service("web", SERVE, healthcheck=ANSWERS)
    count = "wget -qO- http://web:8080/; sleep 1; test $(hostname -i | wc -w) = 1"
    suites = [
        SuiteSpec(name=name, tests=bench.service("tests", count), project=bench.project(web))
        for name in ("one", "two")
    ]
    results = await bench.tests(*suites)
    assert [suite.name for suite in results.suites] == ["one", "two"]
    assert [suite.tail for suite in results.suites] == ["hello", "hello"], results
    logs = [bench.folder / "report/integration" / name / "web.log" for name in ("one", "two")]
    assert [log.read_text() for log in logs] == ["serving\n"] * 2


@IN_ONE_LOOP
async def test_one_that_breaks_leaves_its_neighbour_its_result(bench: StackBench) -> None:
    good = SuiteSpec(
        name="good", tests=bench.service("tests", ONE_OF_TWO), project=bench.project(), junit=JUNIT
    )
    bad = replace(good, name="bad", tests=bench.service("tests", "exit 2"))
    with pytest.raises(ToolError, match=r"^bad: the tests' command") as caught:
        await bench.tests(bad, good)
    partial = caught.value.partial
    assert isinstance(partial, kw.TestResults)
    assert [failed.id for failed in partial.failures()] == ["good/api.put"]


# --- the whole way: configuration, plan, command, report ------------------------------------------

COMPOSE = """\
services:
  app:
    image: app
    user: app
    command: ["{port}"]
    healthcheck: {{test: [CMD, wget, -qO-, "http://127.0.0.1:8080/"], interval: 1s, retries: 60}}
  tests:
    image: {image}
    profiles: [test]
    command: [sh, -c, {script}]
"""
DOCKERFILE = """\
ARG BASE
FROM ${BASE} AS runtime
RUN mkdir /w && echo hello > /w/index.html
USER app
ENTRYPOINT ["/bin/httpd", "-f", "-h", "/w", "-p"]
"""
SUITE = """
[[integration.suites]]
name = "api"
service = "tests"
junit = ["/tmp/*.xml"]
"""


@pytest.fixture
def tested(project: Project, samples: SampleImages) -> Project:
    """The project with a compose file and a suite."""
    need("busybox", package="busybox-static")
    config = (project.folder / "keelway.toml").read_text()
    project.write(
        {
            "keelway.toml": config.replace(', "linux/arm64"', "") + SUITE,
            "Dockerfile": DOCKERFILE,
        }
    )
    write_compose(project, samples, script=f"wget -qO- http://app:8080/ && {PASSED}")
    return project


def write_compose(
    project: Project, samples: SampleImages, *, script: str, port: str = "8080"
) -> None:
    """Write the compose file with this command of the tests."""
    text = COMPOSE.format(image=samples.busybox, script=json.dumps(script), port=port)
    (project.folder / "compose.yaml").write_text(text)


def test_the_command_tests_what_was_built(tested: Project) -> None:
    done = tested.keelway("test", "--engine", "local")
    assert done.code == 0, done.text()
    assert "tested     1 passed beside 1 services in 1 suites" in done.out
    report = tested.report()
    (suite,) = report["tests"]["suites"]
    assert suite["images"] == ["app"]
    assert suite["services"][0]["state"] == "healthy"
    told = {file["path"]: file["kind"] for file in report["files"]}
    kinds = {path: kind for path, kind in told.items() if path.startswith("integration")}
    assert kinds == {
        "integration.junit.xml": "junit",
        "integration.md": "markdown",
        "integration/api/tests.log": "log",
        "integration/api/app.log": "log",
    }
    for path in kinds:
        assert (tested.folder / ".keelway" / path).is_file()


def test_an_engine_that_runs_no_services_says_so_and_a_release_can_do_without_tests(
    tested: Project,
) -> None:
    isolation = {"KEELWAY_ENGINE_ISOLATION": "chroot"}
    refused = tested.keelway("test", "--engine", "local", **isolation)
    assert refused.code == 5, refused.text()
    assert "this engine cannot run the services of a compose project" in refused.err
    assert "it shows commands no /proc" in refused.err
    without = tested.keelway("release", "--no-tests", "--no-publish", **isolation)
    assert "this engine cannot run" not in without.err
    for stage in ("integration", "load"):
        assert re.search(rf"^{stage} +skipped: --no-tests was given$", without.err, re.MULTILINE)
    assert tested.report()["verdict"] is not None


def test_a_failed_test_stops_the_release_with_its_reason_on_the_screen(
    tested: Project, samples: SampleImages
) -> None:
    write_compose(tested, samples, script="exit 0", port="not-a-port")
    done = tested.keelway("test", "--engine", "local")
    assert done.code == 6, done.text()
    screen = done.err[-4000:]
    for part in (
        "refused: test api/api: the tests were not started: app: it ended with exit code 1",
        "service app exited with code 1",
        "| httpd: ",
    ):
        assert part in screen, screen
    report = tested.report()
    assert report["outcome"] == "refused"
    assert report["verdict"]["breaches"][0]["because"] == "tests"
    assert "not-a-port" in (tested.folder / ".keelway/integration/api/app.log").read_text()


def test_a_missing_variable_is_named_with_file_and_line(tested: Project) -> None:
    file = tested.folder / "compose.yaml"
    file.write_text(file.read_text().replace("user: app", "user: ${WHO:?say who it is}"))
    done = tested.keelway("plan")
    assert done.code == 2, done.text()
    assert "compose.yaml:4" in done.err
    assert "say who it is" in done.err


def test_a_suite_that_is_killed_leaves_nothing_running(
    tested: Project, samples: SampleImages, tmp_path: Path
) -> None:
    own = type(tested)(
        folder=tested.folder, environment={"KEELWAY_STORE": str(tmp_path / "own-store")}
    )
    write_compose(own, samples, script="echo here; sleep 4242")
    with own.keelway_started("test", "--engine", "local") as process:
        log = own.folder / "started.log"
        assert wait_until(lambda: bool(traces("sleep 4242").processes), seconds=100), (
            log.read_text()
        )
        process.kill()
        process.wait(timeout=10)
    store = str(tmp_path / "own-store")
    assert wait_until(lambda: not traces(store), seconds=20), traces(store)
    assert wait_until(lambda: not traces("sleep 4242").processes, seconds=20)
