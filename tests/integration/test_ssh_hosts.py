"""A host behind a real sshd: commands, files, keys, and connections that break."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest

from keelway.deploy.host import HostError
from keelway.deploy.ssh_host import SshAccess, SshHost, open_ssh_host
from keelway.errors import PlanError
from keelway.model.host_address import parse_host
from tests.support.ssh_server import SshServer, new_key, ssh_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    folder = tmp_path_factory.mktemp("sshd")
    # At this level bash does not read its owner's own start-up file, which may take a second.
    with ssh_server(folder, {"SHLVL": "5"}) as running:
        (folder / "known_hosts").write_text(f"# the test's own\n{running.known_hosts}")
        yield running


def access(server: SshServer, known_hosts: Path | None = None) -> SshAccess:
    known = server.key.parent / "known_hosts" if known_hosts is None else known_hosts
    key = server.key.read_text()
    return SshAccess(address=parse_host(server.url), known_hosts=str(known), key=key)


@pytest.fixture
async def host(server: SshServer) -> AsyncIterator[SshHost]:
    async with open_ssh_host(access(server)) as opened:
        yield opened


async def test_words_arrive_as_they_are_and_so_does_what_is_given(host: SshHost) -> None:
    words = ("a b", "$HOME", "`id`", "'", '"', "*", "\\", "new\nline", "", "; false", "-n", "ü")
    ran = await host.run(("sh", "-c", 'printf "%s|" "$@"; cat; echo no >&2; exit 7', "sh", *words),
                         given=b"\x00secret\xff")  # fmt: skip
    assert ran.stdout == "|".join(words).encode() + b"|\x00secret\xff"
    assert (ran.code, ran.stderr) == (7, b"no\n")


async def test_how_a_command_ends_is_told_as_on_this_machine(host: SshHost) -> None:
    assert (await host.run(("sh", "-c", "kill -9 $$"))).code == 137
    assert (await host.run(("there-is-no-such-program",))).code == 127
    late = await host.run(("sleep", "60"), timeout_s=0.2)
    assert (late.code, late.complaint) == (124, "no end after 0.2 s")
    assert (await host.run(("true",), given=b"x" * 1_000_000)).code == 0


async def test_files_are_put_whole_and_closed(host: SshHost, tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "it's"
    assert await host.read(str(path)) is None
    data = os.urandom(300_000)
    await host.write(str(path), data, mode=0o600)
    assert await host.read(str(path)) == data
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    await host.write(str(path), b"", mode=0o644)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"", 0o644)
    assert names(path.parent) == ["it's"]


async def test_what_cannot_be_written_leaves_what_was_there(host: SshHost, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    (tmp_path / "folder" / "inside").mkdir(parents=True)
    with pytest.raises(HostError, match="cannot be written") as caught:
        await host.write(f"{path}/below", b"new")
    assert caught.value.host == host.name
    with pytest.raises(HostError, match="cannot be read"):
        await host.read(str(tmp_path / "folder"))
    assert path.read_text() == "old"


async def test_a_part_of_a_file_never_takes_its_place(host: SshHost, tmp_path: Path) -> None:
    from keelway.deploy.ssh_host import _WRITE  # noqa: PLC0415 - as a broken connection leaves it

    path = tmp_path / "file"
    path.write_text("old")
    words = ("sh", "-c", _WRITE, "write", str(path), "644", "100")
    assert (await host.run(words, given=b"only this")).code == 1
    assert (path.read_text(), names(tmp_path)) == ("old", ["file"])


async def test_a_connection_lost_under_a_command_is_told_and_the_next_one_connects_again(
    host: SshHost, tmp_path: Path
) -> None:
    mark = tmp_path / "begun"
    killer = threading.Thread(target=end_connection, args=(mark,))
    killer.start()
    # The parent of the command's shell is the connection's own process on the server.
    script = f"echo $PPID >> {mark}; exec sleep 60"
    with pytest.raises(HostError, match="lost while `sh` ran") as caught:
        await host.run(("sh", "-c", script))
    killer.join()
    assert "run the same again" in str(caught.value.next_step)
    assert len(mark.read_text().splitlines()) == 1
    assert (await host.run(("echo", "here"))).text == "here"


def end_connection(mark: Path) -> None:
    deadline = time.monotonic() + 30
    while not (mark.exists() and mark.read_text().endswith("\n")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(int(mark.read_text()), signal.SIGKILL)


def names(folder: Path) -> list[str]:
    return [one.name for one in folder.iterdir()]


async def test_a_host_whose_key_changed_is_refused_by_file_and_line(
    server: SshServer, tmp_path: Path
) -> None:
    other = new_key(tmp_path / "other").with_suffix(".pub").read_text().split()
    named = server.known_hosts.split()[0]
    known = tmp_path / "known_hosts"
    known.write_text(f"# first\n\n{named} {other[0]} {other[1]}\n")
    with pytest.raises(HostError, match="is not the one in") as caught:
        async with open_ssh_host(access(server, known)):
            raise AssertionError("never let in")
    assert f"{known}:3" in caught.value.message
    assert "SHA256:" in str(caught.value.why)


async def test_a_host_that_nobody_knows_is_not_trusted(server: SshServer, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    with pytest.raises(HostError, match="cannot be read"):
        await SshHost(access(server, known)).connect()
    known.write_text("elsewhere.example.com ssh-ed25519 " + server.known_hosts.split()[2])
    with pytest.raises(HostError, match="has no key of it") as caught:
        await SshHost(access(server, known)).connect()
    # What is to be added is the very line, once it was compared.
    assert server.known_hosts.strip() in str(caught.value.next_step)


async def test_who_is_not_let_in_hears_what_to_do(server: SshServer, tmp_path: Path) -> None:
    stranger = new_key(tmp_path / "stranger").read_text()
    known = access(server).known_hosts
    address = parse_host(server.url)
    with pytest.raises(HostError, match="does not let us in"):
        await SshHost(SshAccess(address=address, known_hosts=known, key=stranger)).connect()
    with pytest.raises(PlanError, match="is no private key") as caught:
        SshHost(SshAccess(address=address, known_hosts=known, key="hunter2"))
    assert "hunter2" not in caught.value.diagnostics()


async def test_a_host_that_does_not_answer_is_tried_a_few_times(
    server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keelway.deploy.ssh_host.PAUSE_S", 0.01)
    shutil.copy(access(server).known_hosts, tmp_path / "known")
    nobody = SshAccess(
        address=parse_host("ssh://nobody@127.0.0.1:1"), known_hosts=str(tmp_path / "known")
    )
    with pytest.raises(HostError, match="cannot be reached by SSH"):
        await SshHost(nobody).connect()
