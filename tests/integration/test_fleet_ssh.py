"""Machines behind SSH that have keelway build, judge and test what is native to them."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.ssh_server import SshServer, new_key, ssh_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.projects import Project
    from tests.support.registry import Registry

pytestmark = pytest.mark.usefixtures("scanners")

WORD = "opens-nothing-4711"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Something behind SSH, with a store of its own."""

    server: SshServer
    store: Path

    @property
    def address(self) -> str:
        """What `[engines]` names it."""
        return f"keelway-{self.server.url}{self.store}"

    @property
    def server_pid(self) -> int:
        """The process of its server."""
        return int((self.store.parent / "pid").read_text())


@pytest.fixture
def machines(tmp_path: Path, project: Project) -> Iterator[tuple[Machine, Machine]]:
    """Two machines that have keelway."""
    path = project.surroundings()["PATH"]
    with contextlib.ExitStack() as stack:
        made: list[Machine] = []
        key = new_key(tmp_path / "key")
        for name in ("one", "two"):
            folder = tmp_path / name
            folder.mkdir()
            server = stack.enter_context(ssh_server(folder, {"PATH": path}, key=key))
            made.append(Machine(server=server, store=folder / "store"))
        yield made[0], made[1]


def test_a_machine_with_keelway_builds_by_ssh_and_has_no_secret_afterwards(
    project: Project, machines: tuple[Machine, Machine], registry: Registry, repository: str
) -> None:
    dockerfile = project.folder / "Dockerfile"
    dockerfile.write_text(
        dockerfile.read_text().replace(
            "RUN echo", 'RUN --mount=type=secret,id=word test -n "$(cat /run/secrets/word)"; echo'
        )
    )
    fleet = _with_machines(project, machines[:1], secrets=True)
    done = fleet.keelway("release", WORD=WORD, SOURCE_DATE_EPOCH="1700000000")
    assert done.code == 0, done.text()
    assert f"linux/amd64: {machines[0].address} (local" in done.err
    there = registry.manifest(f"{repository}/app:test")[0]
    assert not _holding(WORD, machines[0].store), "secrets are never written down"
    alone = fleet.keelway("release", "--engine", "local", WORD=WORD, SOURCE_DATE_EPOCH="1700000000")
    assert alone.code == 0, alone.text()
    assert registry.manifest(f"{repository}/app:test")[0] == there, "the same image, byte for byte"
    again = fleet.keelway("release", WORD=WORD, SOURCE_DATE_EPOCH="1700000000")
    assert again.code == 0, again.text()
    assert "RUN " not in again.err, "its cache is its own, and stays there"


def test_what_is_lost_is_replaced_and_without_any_the_error_names_each(
    project: Project, machines: tuple[Machine, Machine], tmp_path: Path
) -> None:
    dockerfile = project.folder / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text().replace("RUN echo", "RUN sleep 6; echo"))
    fleet = _with_machines(project, machines)
    with fleet.keelway_started("release", "--no-publish") as release:
        first = _signal_who_works(machines, signal.SIGKILL)
        assert release.wait(timeout=200) == 0, (project.folder / "started.log").read_text()
    said = (project.folder / "started.log").read_text()
    second = next(one for one in machines if one is not first)
    assert f"{first.address} is lost: " in said
    assert f"linux/amd64: {second.address} (local" in said

    (tmp_path / "bare").mkdir()
    with ssh_server(tmp_path / "bare", {"PATH": "/usr/bin:/bin"}, key=tmp_path / "key") as bare:
        strange = Machine(server=second.server, store=second.store)
        failing = _with_machines(
            project,
            (Machine(server=bare, store=tmp_path / "bare/store"), strange),
            trusted=(bare,),
        ).keelway("release", "--no-publish")
    assert failing.code != 0
    assert "no engine is left for linux/amd64" in failing.err
    assert "keelway-engine is not on PATH" in failing.err
    assert "127.0.0.1 is not trusted: " in failing.err


def test_a_connection_that_falls_silent_is_lost_too(
    project: Project, machines: tuple[Machine, Machine]
) -> None:
    dockerfile = project.folder / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text().replace("RUN echo", "RUN sleep 6; echo"))
    fleet = _with_machines(project, machines)
    with fleet.keelway_started("release", "--no-publish") as release:
        # Its kernel still takes what is sent, and nobody ever answers or hangs up.
        first = _signal_who_works(machines, signal.SIGSTOP)
        try:
            assert release.wait(timeout=240) == 0, (project.folder / "started.log").read_text()
        finally:
            _signal_all(first, signal.SIGKILL)
    assert f"{first.address} is lost: " in (project.folder / "started.log").read_text()


@pytest.mark.parametrize(
    ("says", "told"),
    [
        (
            '{"port": 1, "session_token": "a", "version": "0.0.1", "machine": "x86_64"}',
            "is of another version of keelway: 0.0.1, not ",
        ),
        ("Welcome to this machine!", "it said: Welcome to this machine!"),
    ],
    ids=["of another version", "no engine at all"],
)
def test_what_answers_in_an_engines_place_is_not_used(
    project: Project, tmp_path: Path, says: str, told: str
) -> None:
    program = tmp_path / "bin/keelway-engine"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho '{says}'\nexec cat >/dev/null\n")
    program.chmod(0o755)
    folder = tmp_path / "old"
    folder.mkdir()
    with ssh_server(folder, {"PATH": f"{program.parent}:/usr/bin:/bin"}) as server:
        fleet = _with_machines(project, (Machine(server=server, store=folder / "store"),))
        failed = fleet.keelway("release", "--no-publish")
    assert failed.code != 0
    assert "no engine is left for linux/amd64" in failed.err
    assert told in failed.err


def test_a_machine_of_another_platform_is_not_asked_to_emulate(
    project: Project, machines: tuple[Machine, Machine]
) -> None:
    fleet = _with_machines(project, machines[:1], platform="linux/s390x")
    failed = fleet.keelway("release", "--no-publish")
    assert failed.code != 0
    assert "linux/s390x would be emulated there" in failed.err
    said = fleet.keelway("plan").out
    assert f"{machines[0].address}: at most 8 builds at once" in said


def _with_machines(
    project: Project,
    machines: tuple[Machine, ...],
    *,
    secrets: bool = False,
    platform: str = "linux/amd64",
    trusted: tuple[SshServer, ...] | None = None,
) -> Project:
    """Return the project, built for one platform by these machines alone."""
    config = project.folder / "keelway.toml"
    text = config.read_text().partition("\n[engines")[0].rstrip()
    text = text.replace('"linux/amd64", "linux/arm64"', f'"{platform}"')
    if secrets:
        text += '\n\n[[images.app.secrets]]\nid = "word"\nsource = "env://WORD"'
    else:
        off = "".join(f"[{part}]\nenabled = false\n" for part in ("scan", "sbom", "policy"))
        text = text.partition("[scan]")[0] + off
    at = ", ".join(f'"{one.address}"' for one in machines)
    servers = [one.server for one in machines]
    known = project.folder.parent / "known_hosts"
    known.write_text("".join(one.known_hosts for one in trusted or servers))
    config.write_text(
        f'{text}\n\n[engines."{platform}"]\nat = [{at}]\nemulate = false\n'
        f'known_hosts = "{known}"\nssh_key = "file://{servers[0].key}"\n'
    )
    project.commit()
    return project


def _holding(text: str, folder: Path) -> list[Path]:
    """Return the files that have a text in them."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return [path for path in files if text.encode() in path.read_bytes()]


def _signal_who_works(machines: tuple[Machine, ...], number: signal.Signals) -> Machine:
    """Signal all that runs behind one server, as soon as it runs a step of a build."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for machine in machines:
            below = _below(machine.server_pid)
            if any(b"sleep 6" in command for command in below.values()):
                _signal_all(machine, number)
                return machine
        time.sleep(0.1)
    raise AssertionError("no machine ran a step")


def _signal_all(machine: Machine, number: signal.Signals) -> None:
    """Signal all that runs behind a machine's server, and not the server."""
    for pid in _below(machine.server_pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _below(pid: int) -> dict[int, bytes]:
    """Return the command lines of all that a process started, the process aside."""
    found: dict[int, bytes] = {}
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                line = Path(f"/proc/{child}/cmdline").read_bytes()
                found |= {child: line.replace(b"\0", b" "), **_below(child)}
    return found
