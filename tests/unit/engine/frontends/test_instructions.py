"""What single instructions become: configuration, copies, commands and their mounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keelway.engine.errors import EngineError
from keelway.engine.graph import ops
from keelway.engine.graph.copies import DockerCopy, Stacked
from keelway.engine.graph.git import GitSource
from keelway.engine.graph.sources import GitTree, WebFile
from keelway.engine.graph.values import Healthcheck
from tests.support.nodes import chain, steps

if TYPE_CHECKING:
    from tests.unit.engine.frontends.conftest import Builds, FakeSession

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


def only_copy(build: Builds, lines: str, **files: str) -> DockerCopy:
    (found,) = steps(build(f"FROM base\n{lines}\n", files=files), DockerCopy)
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
        ("COPY a b /d", ("a", "b"), "/d"),
    ],
)
def test_copy_paths(build: Builds, line: str, sources: tuple[str, ...], dest: str) -> None:
    found = only_copy(build, f"ENV D=/srv/x\n{line}")
    assert (found.sources, found.dest) == (sources, dest)
    assert found.where == f"Dockerfile:3: {line}"


def test_copy_goes_below_the_workdir(build: Builds) -> None:
    built = build("FROM base\nWORKDIR /w\nCOPY a x/\nCOPY a .\nCOPY a ../y\n")
    assert [copy.dest for copy in steps(built, DockerCopy)] == ["/w/x/", "/w/", "/y"]


def test_copy_flags_become_the_operation(build: Builds) -> None:
    found = only_copy(
        build, "ARG M=0750\nCOPY --chown=app:1 --chmod=$M --exclude=*.md --exclude=b a /d"
    )
    assert (found.owner, found.chmod, found.exclude) == ("app:1", "0750", ("*.md", "b"))
    assert (found.parents, found.parts[0].unpack) == (False, False)


@pytest.mark.parametrize(
    ("flag", "unpack"), [("", True), ("--unpack=false", False), ("--unpack", True)]
)
def test_add_unpacks_unless_told_not_to(
    build: Builds,
    flag: str,
    unpack: bool,
) -> None:
    assert only_copy(build, f"ADD {flag} a.tar /d/").parts[0].unpack is unpack


def test_ignore_file_goes_with_copies_from_the_context(build: Builds) -> None:
    files = {".dockerignore": "# c\n/a/\n!b\n", "Dockerfile.dockerignore": "own\n"}
    text = "FROM base\nCOPY . /\n"
    (copy,) = steps(build(text, files={".dockerignore": files[".dockerignore"]}), DockerCopy)
    assert copy.parts[0].ignore == ("a", "!b")
    (copy,) = steps(build(text, files=files), DockerCopy)
    assert copy.parts[0].ignore == ("own",)


def test_heredocs_are_files_of_their_own_tree(build: Builds) -> None:
    built = build(
        "FROM base\nARG V=1\nCOPY --chmod=755 <<A <<-'B' /d/\n\"$V\" \\$V\nA\n\tx $V\n\tB\n"
    )
    copy = chain(built)[-1]
    assert isinstance(copy.op, DockerCopy)
    assert (copy.op.sources, copy.op.dest, copy.op.chmod) == (("A", "B"), "/d/", "755")
    second = copy.inputs[1]
    first = second.inputs[0]
    assert second.op == ops.NewFile(path="/B", contents=b"x $V\n", mode=0o644)
    assert first.op == ops.NewFile(path="/A", contents=b'"1" $V\n', mode=0o644)


def test_all_sources_of_an_instruction_are_one_operation(build: Builds) -> None:
    built = build("FROM base\nADD a https://x/y%5B?q#z b <<C /d/\nx\nC\n")
    copy = chain(built)[-1]
    assert isinstance(copy.op, DockerCopy)
    assert [(part.input, part.sources, part.unpack) for part in copy.op.parts] == [
        (1, ("a",), True),
        (2, ("y\\[",), False),
        (3, ("b",), True),
        (4, ("C",), False),
    ]
    assert copy.inputs[2].op == WebFile(name="y[", blob="sha256:0", mode=0o600, modified=0)
    assert copy.inputs[1] == copy.inputs[3]


def test_repository_is_added_by_its_contents(build: Builds, session: FakeSession) -> None:
    built = build("FROM base\nADD --keep-git-dir --checksum=ab git@x.y:a/b.git#v1:sub /d\n")
    copy = chain(built)[-1]
    assert isinstance(copy.op, DockerCopy)
    assert (copy.op.sources, session.asked[-1]) == (("/",), ("v1", "sub"))
    source = GitSource(address="git@x.y:a/b.git")
    assert copy.inputs[1].op == GitTree(commit="ab", source=source, discard=False)


def test_linked_copy_knows_nothing_of_what_lies_below(build: Builds) -> None:
    one = chain(build("FROM base\nRUN one\nCOPY --link a /d/\n"))[-1]
    two = chain(build("FROM other:2\nCOPY --link a /d/\n"))[-1]
    assert isinstance(one.op, Stacked)
    assert one.inputs[1] == two.inputs[1]
    assert one.inputs[0] != two.inputs[0]


@pytest.mark.parametrize("flags", ["--link=false", "--link --chmod=755"])
def test_copy_that_is_not_linked(build: Builds, flags: str) -> None:
    assert isinstance(chain(build(f"FROM base\nCOPY {flags} a /d/\n"))[-1].op, DockerCopy)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("ADD https://example.com/missing /x", "404 Not Found"),
        ("ADD https://example.com/a.git?x=1 /x", 'unexpected query "x"'),
        (f"ADD --checksum=sha256:{'0' * 64} https://x/y /x", "checksum enforcement is unsupported"),
        ("ADD --checksum=sha256:a https://x/y /x", 'invalid checksum "sha256:a"'),
        ("ADD --checksum=sha256:a y /x", "checksum requires HTTP"),
        ("ADD --checksum=a y z /x", "checksum can't be specified for multiple sources"),
        ("ADD --checksum=a https://x/a.git?commit=b /x", 'checksum mismatch "a" != "b"'),
        ("COPY https://x/y /x", "source can't be a URL for COPY"),
        ("COPY git@x.y:a/b /x", "source can't be a git ref for COPY"),
        ("COPY --chmod=999 a /x", "invalid chmod parameter: '999'"),
        ("COPY --link --chown=app a /x", "cannot be looked up with --link"),
        ("RUN --device=x y", "RUN --device=x is not supported"),
        ("RUN --mount=type=ssh,required y", 'no SSH key "default" forwarded'),
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
