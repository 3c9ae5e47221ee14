"""What `RUN` becomes: the command, its mounts and its secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keelway.engine.errors import EngineError
from keelway.engine.graph import ops
from keelway.engine.graph.sources import HostTree
from keelway.engine.graph.values import Secret
from tests.support.nodes import chain, steps

if TYPE_CHECKING:
    from tests.unit.engine.frontends.conftest import Builds

TOKEN = Secret(handle="h", identity="i", name="token")


def only_run(build: Builds, lines: str, **given: object) -> ops.Exec:
    (found,) = steps(build(f"FROM base\n{lines}\n", **given), ops.Exec)  # type: ignore[arg-type]  # given by name
    return found


def test_run_has_its_place_and_options(build: Builds) -> None:
    run = only_run(build, "WORKDIR /w\nUSER app\nRUN --network=none --security=insecure a  b")
    assert (run.args, run.cwd, run.user) == (("/bin/sh", "-c", "a  b"), "/w", "app")
    assert (run.network, run.privileged) == ("none", True)
    assert run.name == "Dockerfile:4: RUN --network=none --security=insecure a  b"


def test_exec_form_is_run_as_it_is(build: Builds) -> None:
    assert only_run(build, 'RUN ["a", "$B"]').args == ("a", "$B")


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("RUN <<E\nx $y\nE\n", "x $y\n"),
        ("RUN <<-E\n\tx\n\tE\n", "x\n"),
        ("RUN <<E bash -x\nx\nE\n", "<<E bash -x\nx\nE"),
        ("RUN cat <<A && cat <<'B'\n1\nA\n2\nB\n", "cat <<A && cat <<'B'\n1\nA\n2\nB"),
    ],
)
def test_heredocs_are_scripts_or_input(build: Builds, text: str, last: str) -> None:
    assert only_run(build, text).args == ("/bin/sh", "-c", last)


def test_script_with_an_interpreter_is_a_mounted_file(build: Builds) -> None:
    run = only_run(build, "RUN <<E\n#!/usr/bin/env python3\nprint(1)\nE\n")
    assert run.args == ("/bin/sh", "-c", "/dev/pipes/E")
    (mount,) = run.mounts
    assert (mount.target, mount.kind, mount.readonly) == ("/dev/pipes", "directory", True)


def test_bind_mounts_show_context_stage_and_image(build: Builds) -> None:
    built = build(
        "FROM other:2 AS o\nFROM base\nWORKDIR /w\n"
        "RUN --mount=target=. --mount=from=o,source=a.txt,target=/a,rw "
        "--mount=from=other:2,source=/d,target=/d x\n"
    )
    node = chain(built)[-1]
    assert isinstance(node.op, ops.Exec)
    context, file, image = node.op.mounts
    assert (context.target, context.kind, context.readonly) == ("/w", "directory", True)
    assert node.inputs[context.input].op == HostTree(path="/context")
    assert (file.kind, file.path, file.readonly, file.discard) == ("file", "/a.txt", False, True)
    assert (image.kind, image.path) == ("directory", "/d")


def test_bind_of_the_context_minds_the_ignore_file(build: Builds) -> None:
    built = build(
        "FROM base\nRUN --mount=source=d,target=/d x\n", files={".dockerignore": "secret\n"}
    )
    node = chain(built)[-1]
    assert isinstance(node.op, ops.Exec)
    (mount,) = node.op.mounts
    assert node.inputs[mount.input].op == ops.CopyTree(
        source="/", dest="/", include=("d",), exclude=("secret",)
    )


def test_cache_is_the_same_whoever_shares_it(build: Builds) -> None:
    caches = [
        only_run(build, f"RUN --mount=type=cache,{options} x").mounts[0]
        for options in (
            "id=c,target=/a",
            "id=c,target=/b,sharing=locked",
            "id=c,target=/a,uid=1000,mode=0700",
            "target=c",
        )
    ]
    assert caches[0].cache == caches[1].cache == caches[3].cache != caches[2].cache
    assert caches[1].sharing is ops.Sharing.LOCKED
    assert (caches[2].owner, caches[2].mode) == ("1000:0", 0o700)


def test_cache_may_start_from_a_stage(build: Builds) -> None:
    built = build(
        "FROM other:2 AS o\nFROM base\nRUN --mount=type=cache,target=/c,from=o,source=/d x\n"
    )
    node = chain(built)[-1]
    assert isinstance(node.op, ops.Exec)
    assert node.op.mounts[0].path == "/d"
    assert node.op.mounts[0].input == 1


def test_tmpfs_has_its_size(build: Builds) -> None:
    (mount,) = only_run(build, "RUN --mount=type=tmpfs,target=/t,size=1m x").mounts
    assert (mount.kind, mount.target, mount.size) == ("temp", "/t", 1 << 20)


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ("id=token", [("", "/run/secrets/token", 0o400, "0:0")]),
        ("id=token,target=t,mode=0440,uid=5,gid=6", [("", "/t", 0o440, "5:6")]),
        ("id=token,env=T", [("T", "", 0o400, "")]),
        ("id=token,env=T,target=/t", [("T", "", 0o400, ""), ("", "/t", 0o400, "0:0")]),
        ("id=absent", []),
    ],
)
def test_secrets_are_found_by_name(
    build: Builds, options: str, found: list[tuple[str, str, int, str]]
) -> None:
    run = only_run(build, f"RUN --mount=type=secret,{options} x", secrets=(TOKEN,))
    assert [(one.variable, one.path, one.mode, one.owner) for one in run.secrets] == found


def test_given_secrets_stay_in_the_result(build: Builds) -> None:
    built = build("FROM base\n", secrets=(TOKEN,))
    assert [secret.path for secret in built.secrets] == ["/run/secrets/token"]


def test_secret_without_a_name_is_an_error(build: Builds) -> None:
    with pytest.raises(EngineError, match="has no name"):
        build("FROM base\n", secrets=(Secret(handle="h", identity="i"),))
