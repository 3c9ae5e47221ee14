"""What single instructions become: configuration, copies, commands and their mounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keelway.engine.errors import EngineError
from keelway.engine.graph import ops
from keelway.engine.graph.values import Healthcheck
from tests.support.nodes import chain, steps

if TYPE_CHECKING:
    from tests.unit.engine.frontends.conftest import Builds

# --- configuration ---------------------------------------------------------------------------


def test_configuration_is_that_of_the_file_on_that_of_the_base(build: Builds) -> None:
    built = build(
        'FROM base\nENV A=\'$B\' B="x y" C=a\\ b\nENV D e f\nLABEL "l"=$B kind=new\nUSER app\n'
        'VOLUME /v ["x"]\nEXPOSE 80 53/udp 90-91\nSTOPSIGNAL SIGQUIT\nSHELL ["bash", "-c"]\n'
        "HEALTHCHECK --interval=5s --retries=2 CMD check it\n"
    )
    config = built.config
    assert dict(config.env) == {
        "PATH": "/bin",
        "FROM_BASE": "yes",
        "A": "$B",
        "B": "x y",
        "C": "a b",
        "D": "e f",
    }
    assert config.labels == (("kind", "new"), ("l", "x y"))
    assert (config.user, config.stop_signal, config.shell) == ("app", "SIGQUIT", ("bash", "-c"))
    assert config.volumes == ("/v", "[x]")
    ports = [(port.port, port.protocol, port.service) for port in built.ports]
    assert ports == [
        (80, "TCP", False),
        (53, "UDP", False),
        (90, "TCP", False),
        (91, "TCP", False),
    ]
    assert config.healthcheck is not None
    assert config.healthcheck.shell
    assert (config.healthcheck.args, config.healthcheck.interval) == (("check it",), 5 * 10**9)
    assert config.healthcheck.retries == 2


def test_healthcheck_none_switches_it_off(build: Builds) -> None:
    built = build("FROM base\nHEALTHCHECK CMD x\nHEALTHCHECK NONE\n")
    assert built.config.healthcheck == Healthcheck(args=("NONE",))


@pytest.mark.parametrize(
    ("lines", "entrypoint", "cmd"),
    [
        ("", ("base-entry",), ("base-cmd",)),
        ("CMD a b", ("base-entry",), ("/bin/sh", "-c", "a b")),
        ('ENTRYPOINT ["x"]', ("x",), None),
        ('CMD ["a"]\nENTRYPOINT ["x"]', ("x",), ("a",)),
        ('ENTRYPOINT ["x"]\nCMD ["a"]', ("x",), ("a",)),
        ("ENTRYPOINT x", ("/bin/sh", "-c", "x"), None),
        ("ENTRYPOINT []", None, None),
        ('SHELL ["bash", "-ec"]\nCMD a', ("base-entry",), ("bash", "-ec", "a")),
        ("CMD []", ("base-entry",), ()),
    ],
)
def test_entrypoint_and_command(
    build: Builds, lines: str, entrypoint: tuple[str, ...] | None, cmd: tuple[str, ...] | None
) -> None:
    config = build(f"FROM base\n{lines}\n").config
    assert (config.entrypoint, config.cmd) == (entrypoint, cmd)


def test_image_without_a_path_gets_the_usual_one(build: Builds) -> None:
    built = build("FROM scratch\nENV PATH=/x:$PATH\n")
    assert dict(built.config.env)["PATH"].startswith("/x:/usr/local/sbin:")


def test_workdir_is_made_for_the_current_user(build: Builds) -> None:
    built = build("FROM base\nWORKDIR /a\nUSER app:staff\nENV D=b\nWORKDIR $D/c\n")
    assert built.config.workdir == "/a/b/c"
    assert steps(built, ops.NewDirectory) == [
        ops.NewDirectory(path="/a", mode=0o755),
        ops.NewDirectory(path="/a/b/c", mode=0o755, owner="app:staff"),
    ]


# --- copies ----------------------------------------------------------------------------------


def only_copy(build: Builds, lines: str, **files: str) -> ops.DockerCopy:
    (found,) = steps(build(f"FROM base\n{lines}\n", files=files), ops.DockerCopy)
    return found


@pytest.mark.parametrize(
    ("line", "sources", "dest"),
    [
        ("COPY a b/ /d/", ("a", "b"), "/d/"),
        ("COPY ./a ../../b /c/../d/", ("a", "b"), "/d/"),
        ("COPY . .", (".",), "/"),
        ("COPY *.txt $D", ("*.txt",), "/srv/x"),
        ('COPY ["a b", "c d"]', ("a b",), "/c d"),
        ("COPY --parents ./x/./y/*.go /d/", ("x/./y/*.go",), "/d/"),
        ("COPY --parents ././x /d/", ("x",), "/d/"),
        ("COPY a b /d", ("a", "b"), "/d/"),
    ],
)
def test_copy_paths(build: Builds, line: str, sources: tuple[str, ...], dest: str) -> None:
    found = only_copy(build, f"ENV D=/srv/x\n{line}")
    assert (found.sources, found.dest) == (sources, dest)
    assert found.where == f"Dockerfile:3: {line}"


def test_copy_goes_below_the_workdir(build: Builds) -> None:
    built = build("FROM base\nWORKDIR /w\nCOPY a x/\nCOPY a .\nCOPY a ../y\n")
    assert [copy.dest for copy in steps(built, ops.DockerCopy)] == ["/w/x/", "/w/", "/y"]


def test_copy_flags_become_the_operation(build: Builds) -> None:
    found = only_copy(
        build, "ARG M=0750\nCOPY --chown=app:1 --chmod=$M --exclude=*.md --exclude=b a /d"
    )
    assert (found.owner, found.mode, found.exclude) == ("app:1", 0o750, ("*.md", "b"))
    assert (found.parents, found.unpack) == (False, False)


@pytest.mark.parametrize(
    ("flag", "unpack"), [("", True), ("--unpack=false", False), ("--unpack", True)]
)
def test_add_unpacks_unless_told_not_to(
    build: Builds,
    flag: str,
    unpack: bool,  # noqa: FBT001 - a value
) -> None:
    assert only_copy(build, f"ADD {flag} a.tar /d/").unpack is unpack


def test_ignore_file_goes_with_copies_from_the_context(build: Builds) -> None:
    files = {".dockerignore": "# c\n/a/\n!b\n", "Dockerfile.dockerignore": "own\n"}
    text = "FROM base\nCOPY . /\n"
    (copy,) = steps(build(text, files={".dockerignore": files[".dockerignore"]}), ops.DockerCopy)
    assert copy.ignore == ("a", "!b")
    (copy,) = steps(build(text, files=files), ops.DockerCopy)
    assert copy.ignore == ("own",)


def test_heredocs_are_files_of_their_own_tree(build: Builds) -> None:
    built = build(
        "FROM base\nARG V=1\nCOPY --chmod=755 <<A <<-'B' /d/\n\"$V\" \\$V\nA\n\tx $V\n\tB\n"
    )
    copy = chain(built)[-1]
    assert isinstance(copy.op, ops.DockerCopy)
    assert (copy.op.sources, copy.op.dest, copy.op.mode) == (("A", "B"), "/d/", 0o755)
    second = copy.inputs[1]
    first = second.inputs[0]
    assert second.op == ops.NewFile(path="/B", contents=b"x $V\n", mode=0o644)
    assert first.op == ops.NewFile(path="/A", contents=b'"1" $V\n', mode=0o644)


def test_heredoc_beside_a_file_means_a_folder(build: Builds) -> None:
    built = build("FROM base\nCOPY a <<B /d\nx\nB\n")
    assert [(copy.sources, copy.dest) for copy in steps(built, ops.DockerCopy)] == [
        (("a",), "/d/"),
        (("B",), "/d/"),
    ]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("ADD https://example.com/x /x", "ADD of URLs is not supported"),
        ("ADD git@github.com:a/b.git /x", "ADD of git repositories is not supported"),
        ("ADD https://example.com/a.git#v1 /x", "ADD of git repositories is not supported"),
        ("ADD --checksum=sha256:a https://x/y /x", "http checksum enforcement is unsupported"),
        ("ADD --checksum=sha256:a y /x", "--checksum can't be specified for local sources"),
        ("COPY --chmod=u+x a /x", "write the mode as an octal number"),
        ("COPY --link --chown=app a /x", "cannot be looked up with --link"),
        ("RUN --device=x y", "RUN --device=x is not supported"),
        ("RUN --mount=type=ssh,required y", "RUN --mount=type=ssh is not supported"),
        ("RUN --mount=target=/ y", "it is the root itself"),
        ("RUN --mount=source=missing,target=/x y", '"/missing": not found in the build context'),
        ("RUN --mount=type=secret,id=no,required y", 'secret "no" is required but no secret map'),
    ],
)
def test_what_the_engine_cannot_do_is_told_with_its_line(
    build: Builds, line: str, told: str
) -> None:
    with pytest.raises(EngineError, match=told) as caught:
        build(f"FROM base\n{line}\n")
    assert str(caught.value).startswith("Dockerfile:2: ")
    assert f">>> {line}" in str(caught.value)
