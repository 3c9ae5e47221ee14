"""Stages, arguments, platforms and targets as the front end turns them into nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keelway.engine.errors import EngineError
from keelway.engine.frontends.dockerfile import docker_build
from keelway.engine.frontends.stage import BuildRequest
from keelway.engine.graph import ops
from keelway.engine.graph.copies import DockerCopy
from keelway.engine.graph.node import Node
from keelway.engine.graph.values import Directory
from tests.support.nodes import chain, steps

if TYPE_CHECKING:
    from tests.unit.engine.frontends.conftest import Builds, FakeSession


def shell_texts(container: object) -> list[str]:
    return [exec_.args[-1] for exec_ in steps(container, ops.Exec)]  # type: ignore[arg-type]  # a step is a node of any kind


def test_only_needed_images_are_asked_for(build: Builds, session: FakeSession) -> None:
    build("FROM nowhere AS unused\nRUN x\nFROM base\nCOPY --from=other:2 /a /a\n")
    assert session.asked == [("base", "linux/amd64"), ("other:2", "linux/amd64")]


def test_image_is_asked_for_once(build: Builds, session: FakeSession) -> None:
    build("FROM base AS a\nFROM base AS b\nCOPY --from=a /x /\nCOPY --from=base /y /\n")
    assert session.asked == [("base", "linux/amd64")]


def test_equal_stages_are_equal_nodes(build: Builds) -> None:
    one = build("FROM base AS a\nRUN x\nFROM a\nRUN y\n")
    two = build("# another file\nFROM base\nRUN x\nRUN y\n")
    assert one.root == two.root


def test_copy_from_a_stage_takes_its_root(build: Builds) -> None:
    built = build("FROM base AS a\nRUN make\nFROM scratch\nCOPY --from=a /out /\n")
    (copy,) = chain(built)[1:]
    assert isinstance(copy.op, DockerCopy)
    assert copy.inputs[1].op == ops.Output(index=0)
    assert isinstance(copy.inputs[0].op, ops.Scratch)
    assert copy.op.parts[0].ignore == ()


def test_base_image_may_be_an_argument(build: Builds, session: FakeSession) -> None:
    text = "ARG NAME=other\nARG TAG=2\nARG FULL=${NAME}:$TAG\nFROM $FULL\n"
    build(text)
    build(text, args={"FULL": "base"})
    assert [name for name, _ in session.asked] == ["other:2", "base"]


def test_arguments_are_variables_of_run_alone(build: Builds) -> None:
    built = build(
        "ARG G=global\nFROM base\nRUN before\nARG G\nARG L=local\nARG NONE\nARG FROM_BASE=arg\n"
        "RUN after\n",
        args={"L": "given", "UNDECLARED": "x"},
    )
    before, after = steps(built, ops.Exec)
    assert dict(before.env) == {"PATH": "/bin", "FROM_BASE": "yes"}
    assert dict(after.env) == {"PATH": "/bin", "FROM_BASE": "yes", "G": "global", "L": "given"}
    assert built.config.env == (("PATH", "/bin"), ("FROM_BASE", "yes"))


def test_variables_of_one_instruction_see_what_was_before_it(build: Builds) -> None:
    built = build("FROM base\nENV abc=hello\nENV abc=bye def=$abc\nENV ghi=$abc\n")
    env = dict(built.config.env)
    assert (env["abc"], env["def"], env["ghi"]) == ("bye", "hello", "bye")


def test_env_wins_over_arg(build: Builds) -> None:
    built = build("FROM base\nENV V=env\nARG V=arg\nLABEL v=$V\n", args={"V": "given"})
    assert dict(built.config.labels)["v"] == "env"


def test_arguments_are_inherited_by_stages_on_the_stage(build: Builds) -> None:
    built = build("FROM base AS a\nARG V=1\nFROM a\nLABEL v=$V\nFROM base\n", target="1")
    assert dict(built.config.labels)["v"] == "1"


def test_proxies_need_no_declaration(build: Builds) -> None:
    (run,) = steps(build("FROM base\nRUN x\n", args={"HTTPS_PROXY": "http://p"}), ops.Exec)
    assert ("HTTPS_PROXY", "http://p") in run.proxies


def test_platforms_are_predefined(build: Builds, session: FakeSession) -> None:
    built = build(
        "FROM --platform=$BUILDPLATFORM base AS b\nARG TARGETPLATFORM TARGETARCH TARGETVARIANT\n"
        "ARG BUILDPLATFORM\nRUN $TARGETPLATFORM\nFROM base\nCOPY --from=b / /\n",
        platform="linux/arm/v7",
        target="b",
    )
    (run,) = steps(built, ops.Exec)
    assert {name: value for name, value in run.env if "TARGET" in name or "BUILD" in name} == {
        "TARGETPLATFORM": "linux/arm/v7",
        "TARGETARCH": "arm",
        "TARGETVARIANT": "v7",
        "BUILDPLATFORM": "linux/amd64",
    }
    assert (built.platform, run.platform) == ("linux/amd64", "linux/amd64")
    assert session.asked == [("base", "linux/amd64")]


def test_target_platform_is_that_of_the_images(build: Builds, session: FakeSession) -> None:
    assert build("FROM base\nRUN x\n", platform="linux/arm64/v8").platform == "linux/arm64"
    assert session.asked == [("base", "linux/arm64")]


def test_triggers_of_an_image_run_first_and_are_gone(build: Builds) -> None:
    built = build(
        "FROM scratch AS later\nCOPY x /x\nFROM trigger\nRUN own\nFROM scratch\n", target="1"
    )
    assert shell_texts(built) == ["echo $WHO", "own"]
    (copy,) = steps(built, DockerCopy)
    assert copy.dest == "/y"
    assert built.config.on_build == ()


def test_triggers_of_a_stage_run_in_stages_on_it(build: Builds) -> None:
    built = build("FROM base AS a\nONBUILD RUN later\nRUN now\nFROM a\nRUN own\n")
    assert shell_texts(built) == ["now", "later", "own"]
    kept = build("FROM base AS a\nONBUILD RUN later\nRUN now\n")
    assert kept.config.on_build == ("RUN later",)
    assert shell_texts(kept) == ["now"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("FROM nowhere\n", r"(?s)Dockerfile:1: nowhere: no image nowhere here.*>>> FROM nowhere"),
        ("FROM base\nCOPY --from=gone /a /b\n", "Dockerfile:2: gone: no image gone here"),
        ("FROM $NONE\n", r"base name \(\$NONE\) should not be blank"),
        ("FROM --platform=mars/z80 base\n", 'failed to parse platform "mars/z80"'),
        ("FROM ${X\n", "Dockerfile:1: .*missing '}'"),
        ("FROM base\nENV A=1\nENV B=${A\n", "Dockerfile:3: .*missing '}'"),
        ("FROM bad-trigger\n", "ONBUILD of bad-trigger:1: unknown instruction: NOPE"),
        ("FROM base\nSTOPSIGNAL SIGNOPE\n", "Dockerfile:2: invalid signal: SIGNOPE"),
        ("FROM base\nEXPOSE 99999\n", "Dockerfile:2: invalid containerPort"),
        ("# syntax=example.org/other:1\nFROM base\n", 'syntax frontend "example.org/other:1" is'),
        ("FROM base AS a\nCOPY --from=a /x /\n", "circular dependency"),
    ],
)
def test_what_cannot_be_built_is_told_with_its_line(build: Builds, text: str, told: str) -> None:
    with pytest.raises(EngineError, match=told):
        build(text)


def test_errors_in_stages_that_are_not_needed_do_not_count(build: Builds) -> None:
    built = build("FROM $NONE AS broken\nSTOPSIGNAL NOPE\nFROM base\n")
    assert built.config.cmd == ("base-cmd",)


@pytest.mark.parametrize("syntax", ["docker/dockerfile:1.7-labs", "docker.io/docker/dockerfile"])
def test_stock_syntax_is_fine(build: Builds, syntax: str) -> None:
    assert build(f"# syntax={syntax}\nFROM base\n").config.cmd == ("base-cmd",)


def test_missing_dockerfile_is_named(session: FakeSession) -> None:
    request = BuildRequest(context=Directory(node=Node.of(ops.Scratch())), dockerfile="d/Other")
    with pytest.raises(EngineError, match="open d/Other: no such file or directory"):
        docker_build(request, session)


def test_unknown_platform_is_told(build: Builds) -> None:
    with pytest.raises(EngineError, match="unknown operating system or architecture"):
        build("FROM base\n", platform="linux/z80")
