"""The build stage, as the engine sees it."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio
import pytest

from keelway._together import together
from keelway.errors import PlanError, StageError, ToolError
from keelway.model.outcome import Skipped
from keelway.model.platform import AMD64, ARM64
from keelway.stages.build import BuildSpec, ImageSpec, SecretSpec, build
from tests.support.recording import Chain, Failure, exec_failure

if TYPE_CHECKING:
    from pathlib import Path

    from keelway._stage import Run
    from tests.support.recording import RecordingEngine


@pytest.fixture
def context(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    return tmp_path


def spec_of(context: Path, **image: object) -> BuildSpec:
    settings: dict[str, object] = {"name": "orders", "context": str(context), **image}
    return BuildSpec(images=(ImageSpec(**settings),))  # type: ignore[arg-type] # a test's table


async def test_each_platform_is_built_labelled_and_settled(
    run: Run, engine: RecordingEngine, context: Path
) -> None:
    labels = {"org.opencontainers.image.version": "1.0"}
    images = await build(run, spec_of(context, labels=labels, target="runtime"))
    built = {chain["dockerBuild"]["platform"]: chain for chain in engine.asked("sync")}
    assert sorted(built) == ["linux/amd64", "linux/arm64"]
    chain = built["linux/arm64"]
    assert chain["directory"] == {"path": str(context), "exclude": [".git"]}
    assert chain["dockerBuild"]["target"] == "runtime"
    assert chain["withLabel"] == {"name": "org.opencontainers.image.version", "value": "1.0"}
    assert chain["withAnnotation"] == chain["withLabel"]
    assert [image.label for image in images.variants] == [
        "orders (linux/amd64)",
        "orders (linux/arm64)",
    ]


async def test_what_flows_on_is_the_settled_container(
    run: Run, engine: RecordingEngine, context: Path
) -> None:
    images = await build(run, spec_of(context, platforms=(AMD64,)))
    engine.answer("publish", "x")
    await images.variants[0].container.publish("x")
    assert engine.asked("publish")[0].calls[:-1] == engine.asked("sync")[0].calls[:-1]


async def test_all_platforms_of_all_images_are_built_at_once(
    run: Run, engine: RecordingEngine, context: Path
) -> None:
    meeting = threading.Barrier(4, timeout=10)

    def wait(_chain: Chain) -> None:
        meeting.wait()

    engine.answer("sync", wait)
    images = tuple(ImageSpec(name=name, context=str(context)) for name in ("a", "b"))
    built = await build(run, BuildSpec(images=images))
    assert built.names() == ("a", "b")
    assert [variant.platform for variant in built.of("b")] == [AMD64, ARM64]


async def test_runs_that_share_an_engine_build_no_more_at_once_than_it_may(
    run: Run, engine: RecordingEngine, context: Path
) -> None:
    lock, building, most = threading.Lock(), 0, 0

    def count(_chain: Chain) -> None:
        nonlocal building, most
        with lock:
            building += 1
            most = max(most, building)
        time.sleep(0.05)
        with lock:
            building -= 1

    engine.answer("sync", count)
    limited = replace(run, builds=anyio.CapacityLimiter(2))
    images = tuple(ImageSpec(name=name, context=str(context)) for name in "abcd")
    await together(*(build(limited, BuildSpec(images=(image,))) for image in images))
    assert len(engine.asked("sync")) == 8
    assert most == 2


async def test_arguments_are_given(run: Run, engine: RecordingEngine, context: Path) -> None:
    await build(run, spec_of(context, build_args={"VERSION": "1.4"}, platforms=(AMD64,)))
    given = engine.asked("sync")[0]["dockerBuild"]["buildArgs"]
    assert given == [{"name": "VERSION", "value": "1.4"}]


async def test_a_secret_is_given_by_the_name_that_the_dockerfile_uses(
    run: Run, engine: RecordingEngine, context: Path
) -> None:
    engine.answer("plaintext", "s3cret-value")
    secret = SecretSpec(id="pip-token", source="env://PIP_TOKEN")
    await build(run, spec_of(context, secrets=(secret,), platforms=(AMD64,)))
    assert engine.asked("plaintext")[0]["secret"] == {"uri": "env://PIP_TOKEN"}
    (given,) = engine.asked("sync")[0]["dockerBuild"]["secrets"]
    assert given["setSecret"] == {"name": "pip-token", "plaintext": "s3cret-value"}


async def test_a_missing_secret_is_named_before_anything_is_built(
    run: Run, engine: RecordingEngine, context: Path
) -> None:
    engine.answer("plaintext", Failure('secret env var not found: "PIP..."'))
    secret = SecretSpec(id="pip-token", source="env://PIP_TOKEN")
    with pytest.raises(PlanError, match="'pip-token' cannot be read from env://PIP_TOKEN"):
        await build(run, spec_of(context, secrets=(secret,)))
    assert not engine.asked("sync")


async def test_a_failing_step_is_told_with_its_command_and_output(
    run: Run, engine: RecordingEngine, context: Path
) -> None:
    failure = exec_failure(["/bin/sh", "-c", "make all"], 2, stderr="no rule to make target")
    engine.answer("sync", lambda chain: failure if "linux/arm64" in chain.text else None)
    with pytest.raises(ToolError) as raised:
        await build(run, spec_of(context))
    error = raised.value
    assert (error.exit_code, error.code) == (5, 2)
    text = error.diagnostics()
    assert "building orders (linux/arm64) failed" in text
    assert "command: /bin/sh -c make all" in text
    assert "no rule to make target" in text


async def test_a_secret_is_never_in_an_error(
    run: Run, engine: RecordingEngine, context: Path
) -> None:
    engine.answer("plaintext", "s3cret-value\n")
    engine.answer("sync", exec_failure(["curl", "-u", "s3cret-value"], 22, stdout="s3cret-value?"))
    secret = SecretSpec(id="token", source="env://TOKEN")
    with pytest.raises(ToolError) as raised:
        await build(run, spec_of(context, secrets=(secret,), platforms=(AMD64,)))
    assert "s3cret-value" not in raised.value.diagnostics()
    assert "curl -u ***" in raised.value.diagnostics()


async def test_what_the_engine_refuses_is_a_stage_error(
    run: Run, engine: RecordingEngine, context: Path
) -> None:
    engine.answer("sync", Failure("Dockerfile:3: unknown instruction: FORM"))
    with pytest.raises(StageError, match="Dockerfile:3: unknown instruction: FORM") as raised:
        await build(run, spec_of(context))
    assert raised.value.exit_code == 5


async def test_a_context_that_is_not_there_is_a_plan_error(run: Run, tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="is no directory"):
        await build(run, spec_of(tmp_path / "nowhere"))


@pytest.mark.parametrize("name", [".dockerignore", "Dockerfile.dockerignore"])
async def test_what_dockerignore_leaves_out_is_not_even_read(
    run: Run, engine: RecordingEngine, context: Path, name: str
) -> None:
    (context / name).write_text("# comment\n.venv\n\n/dist/**\n!dist/keep\nDockerfile\n")
    await build(run, spec_of(context, exclude=(".git", ".keelway"), platforms=(AMD64,)))
    assert engine.asked("sync")[0]["directory"]["exclude"] == [
        ".venv", "dist/**", "!dist/keep", "Dockerfile",
        "!Dockerfile", "!Dockerfile.dockerignore", "!.dockerignore", ".git", ".keelway",
    ]  # fmt: skip


async def test_a_malformed_pattern_is_told_with_its_line(run: Run, context: Path) -> None:
    (context / ".dockerignore").write_text("good\n[a-\n")
    with pytest.raises(PlanError, match=r"\.dockerignore:2"):
        await build(run, spec_of(context))


async def test_the_dockerfiles_own_ignore_file_wins(
    run: Run, engine: RecordingEngine, context: Path
) -> None:
    (context / ".dockerignore").write_text("common\n")
    (context / "Dockerfile.dockerignore").write_text("own\n")
    await build(run, spec_of(context, platforms=(AMD64,)))
    assert engine.asked("sync")[0]["directory"]["exclude"][0] == "own"


async def test_a_skipped_build_does_nothing(run: Run, engine: RecordingEngine) -> None:
    assert await build(run, Skipped("no need")) == Skipped("no need")
    assert not engine.requests[1:], "nothing but the version was asked for"
