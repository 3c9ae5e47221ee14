"""Load tests with the real k6, against a real service in the engine."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

import keelway as kw
from keelway.errors import StageError
from keelway.loadtest.compared import RegressionSpec
from keelway.loadtest.scripts import ProbeSpec, ScriptSpec
from keelway.loadtest.spec import LoadSpec
from keelway.model.image import BuiltImage, Images
from keelway.model.platform import AMD64
from keelway.model.reuse import ReuseSpec
from keelway.model.tool import HostTool
from keelway.stack.spec import StackSpec
from keelway.stages.load import load
from tests.support.missing import need
from tests.support.stacks import ANSWERS, SERVE, StackBench, healthy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import dagger

    from tests.support.sample_images import SampleImages

SCRIPT = """\
import http from 'k6/http';
import { check } from 'k6';
import { path } from './path.js';

export const options = { vus: 2, iterations: 20, thresholds: THRESHOLDS };
export default function () {
  const answer = http.get(__ENV.TARGET + path);
  check(answer, { 'greets': (one) => one.body === __ENV.GREETING });
}
"""
HOLDS = "{ http_req_duration: ['p(95)<60000'] }"
CROSSED = "{ http_req_duration: ['p(95)<0.0001', 'p(99)<60000'] }"
LOOPS = "export default function () { for (;;) { } }"
SERVES = "mkdir /www && printf hello >/www/hello && exec httpd -f -p 8080 -h /www"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """An engine, a service in it, and a folder for scripts and reports."""

    run: kw.Run
    service: dagger.Service
    images: Images
    folder: Path
    k6: HostTool

    def spec(
        self, script: str, *, name: str = "test.js", files: tuple[str, ...] = ("path.js",)
    ) -> LoadSpec:
        """Return a spec whose script is written to the folder: a session reads a file once."""
        (self.folder / name).write_text(script)
        (self.folder / "path.js").write_text("export const path = '/hello';\n")
        (self.folder / "secret.txt").write_text("not for k6")
        test = ScriptSpec(path=str(self.folder / name), shown=name, files=files)
        return LoadSpec(
            test=test,
            target="http://web:8080",
            environment={"GREETING": "hello"},
            tool=self.k6,
            directory=str(self.folder / "reports"),
        )

    def probe(self, *paths: str) -> LoadSpec:
        """Return a spec of a small probe."""
        return replace(self.spec(""), test=ProbeSpec(paths=paths, requests=10, concurrency=2))

    def join(self, client: dagger.Container) -> dagger.Container:
        """Bind the service, as a compose file's services are bound."""
        return client.with_service_binding("web", self.service)

    async def load(self, spec: LoadSpec) -> kw.LoadReport:
        return await load(self.run, spec, self.images, self.join)


@pytest.fixture
async def bench(samples: SampleImages, tmp_path: Path) -> AsyncIterator[Bench]:
    k6 = HostTool(path=need("k6", package="go.k6.io/k6, by scripts/go-tools"))
    async with kw.open_session() as session:
        container = session.client.container().from_(samples.busybox)
        command = ["/bin/sh", "-c", SERVES]
        image = container.with_entrypoint(command)
        yield Bench(
            run=kw.Run(session.client),
            service=image.with_exposed_port(8080).as_service(use_entrypoint=True),
            images=Images(variants=(BuiltImage(name="web", platform=AMD64, container=image),)),
            folder=tmp_path,
            k6=k6,
        )


async def test_thresholds_that_hold(bench: Bench) -> None:
    report = await bench.load(bench.spec(SCRIPT.replace("THRESHOLDS", HOLDS)))
    assert report.passed
    assert report.measure.requests == 20
    assert report.measure.error_rate == 0
    assert report.measure.checks_passed == 20
    assert 0 < report.measure.p50_ms <= report.measure.p95_ms <= report.measure.max_ms
    assert [threshold.text for threshold in report.thresholds] == [
        "http_req_duration: p(95)<60000",
        "http_req_failed: rate<0.01",
    ]
    assert (bench.folder / "reports" / report.summary).exists()


def beside(bench: Bench, samples: SampleImages) -> StackBench:
    """Return what makes compose services for the bench."""
    return StackBench(
        run=bench.run,
        image=samples.busybox,
        folder=bench.folder,
        busybox=HostTool(path=need("busybox", package="busybox-static")),
    )


async def test_the_target_is_started_with_its_neighbours(
    bench: Bench, samples: SampleImages
) -> None:
    stack = beside(bench, samples)
    db = stack.service("db", SERVE, healthcheck=ANSWERS)
    asks = "wget -qO- http://db:8080/ >/tmp/answer && mkdir /www && cp /tmp/answer /www/hello"
    web = stack.service(
        "web",
        f"{asks} && echo up && exec httpd -f -p 8080 -h /www",
        healthcheck=replace(ANSWERS, test=("CMD", "wget", "-qO-", "http://127.0.0.1:8080/hello")),
        depends_on=healthy("db"),
    )
    stranger = stack.service("stranger", "exit 3")
    services = StackSpec(
        project=stack.project(db, web, stranger), services=("web",), busybox=stack.busybox
    )
    spec = replace(bench.probe("/hello"), beside=services)
    report = await load(bench.run, spec, Images(variants=()))
    assert report.passed
    assert report.measure.requests == 10
    logs = bench.folder / "reports" / "load"
    assert (logs / "web.log").read_text() == "up\n"
    assert (logs / "db.log").read_text() == "serving\n"
    assert not (logs / "stranger.log").exists()


async def test_a_neighbour_that_ends_is_told_with_its_last_words(
    bench: Bench, samples: SampleImages
) -> None:
    stack = beside(bench, samples)
    db = stack.service("db", "echo no disk; exit 4", healthcheck=ANSWERS)
    web = stack.service("web", SERVE, healthcheck=ANSWERS, depends_on=healthy("db"))
    services = StackSpec(project=stack.project(db, web), services=("web",), busybox=stack.busybox)
    with pytest.raises(StageError, match="did not get ready") as caught:
        await load(bench.run, replace(bench.probe("/"), beside=services), Images(variants=()))
    assert "db exited with code 4" in (caught.value.why or "")
    assert (bench.folder / "reports" / "load" / "db.log").read_text() == "no disk\n"


async def test_a_crossed_threshold_is_a_result_that_the_gate_refuses(bench: Bench) -> None:
    spec = bench.spec(SCRIPT.replace("THRESHOLDS", CROSSED))
    report = await bench.load(spec)
    assert [one.text for one in report.crossed()] == ["http_req_duration: p(95)<0.0001"]
    left_out = kw.Skipped("not in this test")
    with pytest.raises(kw.GateError) as refused:
        await kw.gate(
            bench.run, kw.GateSpec(), bench.images, left_out, left_out, left_out, None, report
        )
    assert refused.value.exit_code == 6
    assert "load-threshold: http_req_duration: p(95)<0.0001 was crossed" in str(
        refused.value.diagnostics()
    )


async def test_the_configurations_thresholds_take_the_place_of_the_scripts(bench: Bench) -> None:
    spec = bench.spec(SCRIPT.replace("THRESHOLDS", CROSSED))
    asked = {"http_req_duration": ("p(90)<60000",), "checks": ("rate==1",)}
    report = await bench.load(replace(spec, thresholds=asked))
    assert report.passed
    assert [threshold.text for threshold in report.thresholds] == [
        "checks: rate==1",
        "http_req_duration: p(90)<60000",
        "http_req_failed: rate<0.01",
    ]


async def test_a_script_that_is_wrong_is_an_error_with_its_reason(bench: Bench) -> None:
    with pytest.raises(kw.ToolError, match="the script threw an exception") as thrown:
        await bench.load(bench.spec("throw new Error('not today');"))
    assert thrown.value.code == 107
    assert "not today" in thrown.value.output
    stops = "import exec from 'k6/execution'; export default () => exec.test.abort('enough');"
    with pytest.raises(kw.ToolError, match=r"stopped it by test\.abort\(\)") as stopped:
        await bench.load(bench.spec(stops, name="stops.js"))
    assert stopped.value.code == 108


async def test_a_script_sees_only_the_files_that_are_named(bench: Bench) -> None:
    with pytest.raises(kw.ToolError) as missing:
        await bench.load(bench.spec(SCRIPT.replace("THRESHOLDS", HOLDS), files=()))
    assert "load.files" in str(missing.value.next_step)
    reads = "open('secret.txt'); export default function () {}"
    with pytest.raises(kw.ToolError, match="the script threw an exception"):
        await bench.load(bench.spec(reads, name="reads.js"))


async def test_turns_that_throw_are_told(bench: Bench) -> None:
    throws = "export default () => { throw new Error('odd'); };"
    spec = replace(bench.spec(throws), iterations=3)
    report = await bench.load(spec)
    assert report.measure.counted == "iterations"
    assert "k6 logged 3 errors" in report.notes[0]


async def test_a_test_that_does_not_end_is_given_up(bench: Bench) -> None:
    with pytest.raises(kw.ToolError, match="did not end in 4 s"):
        await bench.load(replace(bench.spec(LOOPS), timeout_s=4))


async def test_a_service_that_refuses_connections_fails_the_default_threshold(
    bench: Bench,
) -> None:
    report = await bench.load(replace(bench.probe("/hello"), target="http://web:8081"))
    assert report.measure.error_rate == 1
    assert [one.text for one in report.crossed()] == ["http_req_failed: rate<0.01"]


async def test_a_service_that_dies_under_load_is_an_error(bench: Bench) -> None:
    dies = bench.images.variants[0].container.with_entrypoint(
        ["/bin/sh", "-c", "httpd -f -p 8080 & sleep 2; exit 3"]
    )
    service = dies.with_exposed_port(8080).as_service(use_entrypoint=True)
    spec = replace(bench.probe("/"), test=ProbeSpec(requests=10_000_000, concurrency=1))
    with pytest.raises(kw.StageError):
        await load(
            bench.run, spec, bench.images, lambda one: one.with_service_binding("web", service)
        )


async def test_a_probe_needs_no_script(bench: Bench) -> None:
    report = await bench.load(bench.probe("/hello", "/hello?again"))
    assert (report.script, report.measure.requests, report.passed) == ("probe", 10, True)
    missing = await bench.load(bench.probe("/hello", "/missing"))
    assert missing.measure.error_rate == 0.5
    assert not missing.passed


async def test_the_built_image_is_served_alone_without_a_stack(bench: Bench) -> None:
    report = await load(bench.run, bench.probe("/hello"), bench.images)
    assert report.passed
    nobody = replace(bench.probe("/hello"), target="http://nobody:8080")
    with pytest.raises(kw.PlanError, match="there is no image 'nobody'"):
        await load(bench.run, nobody, bench.images)


async def test_figures_that_passed_are_reused_until_what_decides_them_changes(
    bench: Bench,
) -> None:
    script = f"// {secrets.token_hex(8)}\n{SCRIPT}"
    spec = replace(bench.spec(script.replace("THRESHOLDS", HOLDS)), reuse=ReuseSpec(days=1))
    first = await load(bench.run, spec, bench.images)
    assert not first.reused
    (bench.folder / "reports" / first.log).unlink()
    again = await load(bench.run, spec, bench.images)
    assert again == replace(first, reused=True)
    assert (bench.folder / "reports" / first.log).exists()
    assert not (await load(bench.run, spec.rerunning(), bench.images)).reused
    stricter = replace(spec, thresholds={"http_reqs": ("count>0",)})
    assert not (await load(bench.run, stricter, bench.images)).reused
    (image,) = bench.images.variants
    other = replace(image, container=image.container.with_env_variable("OTHER", "1"))
    assert not (await load(bench.run, spec, Images(variants=(other,)))).reused


async def test_figures_that_do_not_hold_are_measured_again(bench: Bench) -> None:
    script = f"// {secrets.token_hex(8)}\n{SCRIPT}"
    spec = replace(bench.spec(script.replace("THRESHOLDS", CROSSED)), reuse=ReuseSpec(days=1))
    for _ in range(2):
        report = await load(bench.run, spec, bench.images)
        assert (report.passed, report.reused) == (False, False)


async def test_it_is_compared_with_the_last_release(bench: Bench) -> None:
    spec = replace(
        bench.probe("/hello"), regression=RegressionSpec(throughput_percent=10, latency_percent=50)
    )
    first = await bench.load(spec)
    assert (first.released, first.regressions) == (None, ())
    before = {"counted": "http", "requests": 10, "error_rate": 0, "throughput": 1e9, "avg_ms": 1}
    before |= {f"{name}_ms": 1e6 for name in ("p50", "p90", "p95", "p99", "max")}
    before |= {"checks_passed": 0, "checks_failed": 0}
    kept = {"script": "probe", "target": spec.target, "measure": before}
    released = {"outcome": "ok", "published": [{"name": "web"}], "load": kept}
    (bench.folder / "reports" / "report.json").write_text(json.dumps(released))
    second = await bench.load(spec)
    assert [one.figure for one in second.regressed()] == ["throughput"]
    assert not second.passed
