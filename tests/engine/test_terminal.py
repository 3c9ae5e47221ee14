"""`terminal` of containers, directories and services, at a real terminal and without one."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import dagger
import pytest

from tests.support.at_terminal import Session, at_terminal
from tests.support.engines import CLI_BIN
from tests.support.shell import settle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.engines import Engine
    from tests.support.sample_images import SampleImages

pytestmark = pytest.mark.usefixtures("local_only")  # Dagger's own needs its CLI around the program

PROGRAM = """
import asyncio, dagger, sys

async def main():
    async with dagger.Connection(dagger.Config(retry=None)) as dag:
        base = dag.container().from_("IMAGE").with_env_variable("PS1", "ready> ")
        try:
            BODY
        except dagger.QueryError as error:
            print("failed:", error)

asyncio.run(main())
print("the end")
"""


@pytest.fixture
def image(samples: SampleImages) -> str:
    return samples.busybox


def program(image: str, body: str) -> list[str]:
    lines = body.strip().replace("\n", "\n            ")
    return [sys.executable, "-c", PROGRAM.replace("IMAGE", image).replace("BODY", lines)]


def environment(engine: Engine) -> dict[str, str]:
    return {**engine.environment, CLI_BIN: str(engine.program), "TERM": "vt220"}


@pytest.fixture
def sitting(engine: Engine, image: str) -> Iterator[Session]:
    """Somebody at the terminal of a container."""
    body = """
after = base.with_new_file("/note", "hello").terminal()
print("after:", await after.with_exec(["ls", "/"]).stdout())
"""
    with at_terminal(program(image, body), environment(engine)) as session:
        session.expect("ready> ")
        yield session


def test_somebody_sits_at_a_shell_of_the_container(sitting: Session) -> None:
    sitting.type("cat /note; echo; echo $TERM $((6*7)); readlink /proc/self/fd/0\n")
    shown = sitting.expect("/dev/pts/0")
    assert "hello" in shown
    assert "vt220 42" in shown
    sitting.expect("ready> ")
    sitting.type("touch /made-at-the-terminal; exit 3\n")
    sitting.expect("after:")
    listed = sitting.expect("the end")
    assert "note" in listed
    assert "made-at-the-terminal" not in listed  # as if nobody had been there
    assert sitting.process.wait(60) == 0


def test_size_is_told_on_and_interrupts_are_the_commands(sitting: Session) -> None:
    sitting.type("busybox stty size\n")
    sitting.expect("30 100")
    sitting.resize(90, 25)
    sitting.expect("ready> ")
    sitting.type("until busybox stty size | grep '25 90'; do sleep 0.1; done; echo re''sized\n")
    sitting.expect("resized")
    sitting.expect("ready> ")
    # Said by the command itself: by then the terminal's interrupts are its, not the shell's.
    sitting.type("sh -c \"echo sl''eeping; sleep 1000\"\n")
    sitting.expect("sleeping")
    sitting.type("\x03")
    sitting.expect("ready> ")
    sitting.type("echo go''ing on\n")
    sitting.expect("going on")


def test_settings_are_what_they_were(engine: Engine, image: str) -> None:
    body = "await base.terminal(cmd=['sh', '-c', 'echo sitting; read line']).sync()"
    with at_terminal(program(image, body), environment(engine)) as session:
        before = session.settings()
        session.expect("sitting")
        assert session.settings() != before  # every key goes to the container
        session.type("\n")
        session.expect("the end")
        assert session.settings() == before


def test_default_command_and_what_it_may(engine: Engine, image: str) -> None:
    body = """
told = base.with_default_terminal_cmd(
    ["sh", "-c", "echo port:$DAGGER_SESSION_PORT:"], experimental_privileged_nesting=True
)
await told.terminal().sync()
await told.terminal(cmd=["echo", "other"]).sync()
"""
    with at_terminal(program(image, body), environment(engine)) as session:
        session.expect("port:")
        assert session.expect(":").isdecimal()
        session.expect("other")
        session.expect("the end")


def test_directory_and_service_have_terminals(engine: Engine, image: str) -> None:
    body = """
folder = dag.directory().with_new_file("found.txt", "")
await folder.terminal(container=base, cmd=["sh", "-c", "pwd; ls"]).sync()
service = base.with_new_file("/inside", "").as_service(args=["sleep", "1000"])
try:
    await service.terminal(cmd=["true"]).id()
except dagger.QueryError as error:
    print("not yet:", error)
await service.start()
await service.terminal(cmd=["sh", "-c", "ls /inside; tty || readlink /proc/self/fd/0"]).id()
await service.stop(kill=True)
"""
    with at_terminal(program(image, body), environment(engine)) as session:
        session.expect("/src")
        session.expect("found.txt")
        session.expect("not yet:")
        session.expect("is not running")
        session.expect("/inside")
        session.expect("/dev/pts/")
        session.expect("the end")


def test_command_that_is_not_there_is_an_error(engine: Engine, image: str) -> None:
    body = "await base.terminal(cmd=['/no/such/shell']).sync()"
    with at_terminal(program(image, body), environment(engine)) as session:
        session.expect("failed:")
        assert "/no/such/shell" in session.expect("the end")


@pytest.mark.skipif(sys.stdin.isatty(), reason="the engine shares the terminal of this test run")
async def test_without_a_terminal_the_error_says_so(
    dag: dagger.Client, base: dagger.Container
) -> None:
    with pytest.raises(dagger.QueryError, match=r"Container\.terminal needs a terminal"):
        await settle(base.terminal())
    with pytest.raises(dagger.QueryError, match=r"Directory\.terminal needs a terminal"):
        await settle(dag.directory().terminal(container=base))
