"""Tests whose result is reused on a real engine: when, how it is told, and when it never is."""

from __future__ import annotations

import base64
import gzip
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

import keelway as kw
from keelway import _reuse
from keelway.compose.project import FileGrant, FileSource, Mount, MountKind, Service
from keelway.model.reuse import ReuseSpec
from keelway.model.tests import CaseStatus
from keelway.model.tool import HostTool
from keelway.stack.spec import SuiteSpec
from tests.support.missing import need
from tests.support.stacks import ANSWERS, SERVE, StackBench

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import dagger

    from keelway.compose.project import Project
    from keelway.model.tests import SuiteResult
    from tests.support.sample_images import SampleImages

IN_ONE_LOOP = pytest.mark.asyncio(loop_scope="module")
WEEK = ReuseSpec(days=7)
# Each run says another word: the log tells which run's it is.
SAYS_A_WORD = "echo run $(cat /proc/sys/kernel/random/uuid)"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client() -> AsyncIterator[dagger.Client]:
    """One engine for all cases."""
    async with kw.open_session() as session:
        yield session.client


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A bench whose results are its own: no other test, or run of this one, has its inputs."""

    stacks: StackBench
    nonce: str

    def service(self, name: str, script: str, **more: Any) -> Service:
        environment = {"NONCE": self.nonce, **more.pop("environment", {})}
        return self.stacks.service(name, script, environment=environment, **more)

    async def suite(
        self,
        tests: Service,
        *,
        project: Project | None = None,
        reuse: ReuseSpec = WEEK,
        **more: Any,
    ) -> SuiteResult:
        project = self.stacks.project() if project is None else project
        spec = SuiteSpec(name="api", tests=tests, project=project, **more)
        (result,) = (await self.stacks.tests(spec, reuse=reuse)).suites
        return result

    def log(self) -> str:
        return (self.stacks.folder / "report/integration/api/tests.log").read_text()

    def after(self, days: float) -> Bench:
        later = replace(self.stacks.run, clock=_Later(days))
        return replace(self, stacks=replace(self.stacks, run=later))


@dataclass(frozen=True, slots=True)
class _Later:
    days: float

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(days=self.days)


@pytest.fixture
def bench(client: dagger.Client, samples: SampleImages, tmp_path: Path) -> Bench:
    busybox = HostTool(path=need("busybox", package="busybox-static"))
    stacks = StackBench(run=kw.Run(client), image=samples.busybox, folder=tmp_path, busybox=busybox)
    return Bench(stacks=stacks, nonce=secrets.token_hex(8))


@IN_ONE_LOOP
async def test_what_passed_is_told_again_with_its_logs_and_its_time(bench: Bench) -> None:
    tests = bench.service("tests", SAYS_A_WORD)
    project = bench.stacks.project(bench.service("web", SERVE, healthcheck=ANSWERS))
    first = await bench.suite(tests, project=project)
    said = bench.log()
    assert not first.reused
    (bench.stacks.folder / "report/integration/api/tests.log").unlink()
    again = await bench.suite(tests, project=project)
    assert again == replace(first, reused=True)
    assert bench.log() == said
    assert again.ran_at is not None
    assert again.told()[0].endswith(f"(reused: it ran on {again.ran_at:%Y-%m-%d at %H:%M} UTC)")


@IN_ONE_LOOP
async def test_any_change_of_what_decides_it_runs_it_anew(bench: Bench) -> None:
    data = bench.stacks.folder / "data"
    data.mkdir()
    (data / "one").write_text("1")
    mount = Mount(kind=MountKind.BIND, source=str(data), target="/data", read_only=True)
    tests = bench.service("tests", SAYS_A_WORD, mounts=(mount,))
    beside = bench.stacks.project(bench.service("web", SERVE, healthcheck=ANSWERS))
    assert not (await bench.suite(tests, project=beside)).reused
    assert (await bench.suite(tests, project=beside)).reused
    other = bench.stacks.project(bench.service("web", f"true; {SERVE}", healthcheck=ANSWERS))
    assert not (await bench.suite(tests, project=other)).reused  # a neighbour
    changed = replace(tests, environment={**tests.environment, "MORE": "1"})
    assert not (await bench.suite(changed, project=beside)).reused  # a variable
    assert not (await bench.suite(tests, project=beside, timeout_s=30)).reused  # the suite
    (data / "two").write_text("2")
    async with kw.open_session() as session:  # an engine reads a folder once a session
        run = kw.Run(session.client)
        fresh = replace(bench, stacks=replace(bench.stacks, run=run))
        assert not (await fresh.suite(tests, project=beside)).reused  # a file


@IN_ONE_LOOP
async def test_nothing_is_reused_where_that_is_asked_for(bench: Bench) -> None:
    tests = bench.service("tests", SAYS_A_WORD)
    assert not (await bench.suite(tests)).reused
    assert not (await bench.suite(tests, reuse=WEEK.rerunning())).reused  # --rerun
    assert not (await bench.suite(tests, reuse=ReuseSpec())).reused  # reuse_days = 0
    suite = SuiteSpec(name="api", tests=tests, project=bench.stacks.project(), reuse=False)
    (outside,) = (await bench.stacks.tests(suite, reuse=WEEK)).suites
    assert not outside.reused  # reuse = false
    assert (await bench.after(6).suite(tests)).reused
    assert not (await bench.after(8).suite(tests)).reused  # too old


@IN_ONE_LOOP
async def test_what_failed_is_never_reused_nor_what_is_flaky(bench: Bench) -> None:
    """A secret's value is none of what is looked at: so the same inputs may fail and pass."""
    secret = bench.stacks.folder / "code"
    source = FileSource(name="code", file=secret)
    project = bench.stacks.project(secrets={"code": source})
    grant = FileGrant(source="code")
    tests = bench.service("tests", "grep -q good /run/secrets/code", secrets=(grant,))
    secret.write_text("bad")
    for _ in range(2):
        failed = await bench.suite(tests, project=project)
        assert ([case.status for case in failed.cases], failed.reused) == (
            [CaseStatus.FAILED], False,
        )  # fmt: skip
    secret.write_text("good")
    for _ in range(2):
        passed = await bench.suite(tests, project=project)
        assert (passed.failed, passed.reused) == (False, False)


@IN_ONE_LOOP
async def test_no_secret_is_kept(bench: Bench) -> None:
    value = f"hush-{secrets.token_hex(8)}"
    (bench.stacks.folder / "token").write_text(value)
    source = FileSource(name="token", file=bench.stacks.folder / "token")
    project = bench.stacks.project(secrets={"token": source})
    script = "cat /run/secrets/token; echo; echo that was $NONCE"
    tests = bench.service("tests", script, secrets=(FileGrant(source="token"),))
    assert not (await bench.suite(tests, project=project)).reused
    kept = [text for text in await _volume(bench) if bench.nonce in text]
    assert len(kept) == 1
    assert value not in kept[0]
    (bench.stacks.folder / "token").write_text("another")
    assert (await bench.suite(tests, project=project)).reused


async def _volume(bench: Bench) -> list[str]:
    """Return all that the engine keeps."""
    run = bench.stacks.run
    looking = run.dag.container().from_(bench.stacks.image)
    looking = looking.with_mounted_cache("/results", run.dag.cache_volume(_reuse.VOLUME))
    looking = looking.with_env_variable("NONCE", secrets.token_hex(8))
    words = ["sh", "-c", "for file in /results/*; do cat $file; echo; done"]
    text = await looking.with_exec(words).stdout()
    return [gzip.decompress(base64.b64decode(line)).decode() for line in text.split()]
