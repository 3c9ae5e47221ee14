"""The sandbox: what it has, that it ends with any of its processes, that a user may enter it."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from keelway.engine.run.binfmt import FOLDER
from keelway.engine.run.enter import enter_sandbox
from keelway.engine.run.idmap import Range, mapping, read_ranges
from keelway.engine.run.inroot import Root
from keelway.engine.run.network import Network
from keelway.engine.run.runtime import Runtime
from keelway.engine.run.spec import ExecSpec
from tests.support.missing import missing
from tests.unit.engine.run.conftest import make_root
from tests.unit.engine.run.sandboxed import PATH, Account, Box, in_sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from keelway.engine.run.enter import Sandbox

STATE_FOLDER = Path("/dev/shm")


def killed() -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def own_namespaces() -> dict[str, int]:
    folder = Path("/proc/self/ns")
    return {kind: (folder / kind).stat().st_ino for kind in ("mnt", "pid", "ipc", "net")}


def test_what_is_inside() -> None:
    outside = own_namespaces()

    def work(sandbox: Sandbox) -> dict[str, int]:
        assert not sandbox.rootless
        assert list(sandbox.state_dir.iterdir()) == []
        assert os.getpid() == 2
        assert {path.name for path in Path("/proc").glob("[0-9]*")} == {"1", "2"}
        (sandbox.state_dir / "file").touch()
        return own_namespaces()

    inside = in_sandbox(work)
    assert inside["net"] == outside["net"], "the engine keeps the host's network"
    assert all(inside[kind] != outside[kind] for kind in ("mnt", "pid", "ipc"))
    assert not (STATE_FOLDER / "keelway").exists()


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        (lambda: 7, 7),
        (killed, 137),
        (lambda: sys.exit(5), 5),
        (lambda: 1 // 0, 1),
    ],
)
def test_exit_codes(ending: Callable[[], int], code: int) -> None:
    pid = os.fork()
    if pid == 0:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)
        os._exit(enter_sandbox(lambda _: ending()))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == code


def test_threads_are_refused() -> None:
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        with pytest.raises(RuntimeError, match="one thread, not"):
            enter_sandbox(lambda _: 0)
    finally:
        stop.set()
        thread.join()


class Running:
    """A sandbox in a process of its own, with an exec, a network and a mount in it."""

    def __init__(self, rootfs: Path, marker: str) -> None:
        receive, send = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(receive)
            os._exit(enter_sandbox(lambda sandbox: self._work(sandbox, rootfs, marker, send)))
        os.close(send)
        with os.fdopen(receive, "rb") as pipe:
            assert pipe.readline() == b"up\n"

    @staticmethod
    def _work(sandbox: Sandbox, rootfs: Path, marker: str, send: int) -> int:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(33))
        runtime = Runtime.probe(sandbox.state_dir)
        network = Network(sandbox.state_dir)
        argv = ["/bin/sh", "-c", "echo up; exec sleep 600", marker]
        spec = ExecSpec(root=rootfs, argv=argv, env=[PATH, f"M={marker}"], network=network.attach())

        def told(data: bytes) -> None:
            os.write(send, data)

        runtime.run(spec, on_stdout=told)
        return 0

    def end(self) -> int:
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def tree(pid: int) -> list[int]:
    return [pid, *(one for child in children(pid) for one in tree(child))]


def mounts() -> set[str]:
    return set(Path("/proc/self/mountinfo").read_text().splitlines())


@pytest.mark.parametrize("victim", ["outer", "init", "engine"])
def test_kill_leaves_nothing(rootfs: Path, victim: str) -> None:
    marker = f"kw-marker-{os.getpid()}-{victim}"
    before = mounts()
    running = Running(rootfs, marker)
    (init,) = children(running.pid)
    (engine,) = children(init)
    pids = tree(running.pid)
    assert len(pids) > 5
    watched = [os.pidfd_open(pid) for pid in pids]
    os.kill({"outer": running.pid, "init": init, "engine": engine}[victim], signal.SIGKILL)
    assert running.end() == (-9 if victim == "outer" else 137)
    deadline = time.monotonic() + 5
    for descriptor in watched:
        left, _, _ = select.select([descriptor], [], [], max(0, deadline - time.monotonic()))
        assert left, "a process outlived the sandbox"
        os.close(descriptor)
    # Every process is gone, and no mount holds a namespace: so there are none of those either.
    assert not [line for line in mounts() - before if "keelway" in line or str(rootfs) in line]
    shown = subprocess.run(["ps", "axe"], capture_output=True, text=True, check=True).stdout
    assert marker not in shown


def test_signals_reach_the_engine(rootfs: Path) -> None:
    running = Running(rootfs, f"kw-marker-{os.getpid()}-term")
    os.kill(running.pid, signal.SIGTERM)
    assert running.end() == 33


def test_orphans_are_reaped() -> None:
    def work(_: Sandbox) -> None:
        subprocess.run(["/bin/sh", "-c", "(sleep 0.1 &) ; (sleep 0.1 &)"], check=True)
        deadline = time.monotonic() + 5
        while {path.name for path in Path("/proc").glob("[0-9]*")} != {"1", "2"}:
            assert time.monotonic() < deadline, "an orphan was not reaped"
            time.sleep(0.05)

    in_sandbox(work)


# --- as an ordinary user -----------------------------------------------------------------------


@pytest.fixture
def home(account: Account) -> Iterator[Path]:
    """A folder of the account's."""
    path = Path(tempfile.mkdtemp(prefix="kw-home-"))
    os.chown(path, account.uid, account.gid)
    yield path
    subprocess.run(["rm", "-rf", str(path)], check=True)


def test_an_ordinary_user(
    account: Account, home: Path, busybox: Callable[[str], bytes], native: str
) -> None:
    program = busybox(native)

    def work(sandbox: Sandbox) -> None:
        assert sandbox.rootless
        assert (os.getuid(), os.getgid(), os.getgroups()) == (0, 0, [])
        rootfs = make_root(home / "layer", program)
        (rootfs / "owned").touch()
        os.chown(rootfs / "owned", 1000, 65534)
        box = Box.make(sandbox, rootfs, work=home)
        for init in (True, False):
            script = "id -u; stat -c %u:%g /owned; touch /new; chown 33:44 /new; rm /bin/vi"
            ran = box.sh(script, init=init)
            assert ran.text == "0\n1000:65534\n"
            state = (ran.upper / "new").stat()
            assert (state.st_uid, state.st_gid) == (33, 44)
        status = box.sh("cat /proc/self/status").text
        assert "Seccomp:\t2" in status
        assert "CapEff:\t00000000a80425fb" in status
        assert list(box.run("true").upper.iterdir()) == []
        with Root(rootfs) as root:
            assert root.read_file("/etc/passwd")
        assert box.sh("mount -t tmpfs x /tmp && id -u", privileged=True).text == "0\n"

    in_sandbox(work, account=account)


def test_an_ordinary_users_network(
    account: Account, home: Path, busybox: Callable[[str], bytes], native: str
) -> None:
    program = busybox(native)

    def work(sandbox: Sandbox) -> None:
        box = Box.make(sandbox, make_root(home / "layer", program), work=home)
        network = Network(sandbox.state_dir)
        one, two = network.attach(), network.attach()
        server = network.listen(two, 8080)
        server.settimeout(10)
        serve = threading.Thread(target=lambda: server.accept()[0].sendall(b"hello\n"))
        serve.start()
        ran = box.sh("nc peer 8080 </dev/null", network=one, hosts={"peer": two.address})
        serve.join()
        assert ran.text == "hello\n"
        network.close()

    in_sandbox(work, account=account)


def test_the_host_tells_a_user_what_is_missing() -> None:
    if os.geteuid() != 0:
        missing("root, to become a user without subordinate ids")
    nobody = Account(uid=65534, gid=65534, name="nobody")
    with pytest.raises(pytest.fail.Exception, match="usermod --add-subuids"):
        in_sandbox(lambda _: None, account=nobody)


def test_ranges_and_mapping() -> None:
    text = "app:100000:65536\nother:1:2\n1000:300000:10\nbroken\n"
    ranges = read_ranges(text, "app", 1000)
    assert ranges == [Range(first=100000, count=65536), Range(first=300000, count=10)]
    expected = "0 1000 1 1 100000 65536 65537 300000 10"
    assert mapping(1000, ranges) == expected.split()


def test_binfmt_misc_of_the_host_shows_in_the_sandbox() -> None:
    outside = sorted(path.name for path in FOLDER.iterdir()) if FOLDER.is_dir() else []
    if "register" not in outside:
        missing("a mounted binfmt_misc on this machine")
    assert in_sandbox(lambda _: sorted(path.name for path in FOLDER.iterdir())) == outside
