"""Commands in a plain chroot, and by proot where that is needed."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from keelway.engine.errors import EngineError
from keelway.engine.run import binfmt
from keelway.engine.run.chroot_runtime import ChrootRuntime
from keelway.engine.run.spec import ExecSpec
from keelway.engine.run.users import User
from tests.support import debian
from tests.support.missing import foreign_architecture, need, need_emulator

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="chroot(2) is root's")

Ran = tuple[int, str, str]


@pytest.fixture
def runtime(tmp_path: Path) -> ChrootRuntime:
    state = tmp_path / "state"
    state.mkdir()
    return ChrootRuntime.probe(state, "none")


@pytest.fixture
def make_root(tmp_path: Path) -> Callable[[str], Path]:
    """Make a root with busybox of an architecture as its shell."""

    def make(architecture: str) -> Path:
        root = tmp_path / architecture / "root"
        root.mkdir(parents=True)
        deb = debian.fetch("busybox-static", [architecture])[architecture]
        debian.unpack(deb, root)
        (root / "bin" / "sh").symlink_to("busybox")
        return root

    return make


@pytest.fixture
def root(make_root: Callable[[str], Path]) -> Path:
    return make_root({"amd64": "arm64", "arm64": "amd64"}[foreign_architecture()])


def ran(runtime: ChrootRuntime, spec: ExecSpec) -> Ran:
    """Return the exit code and the streams of a command."""
    out: list[bytes] = []
    err: list[bytes] = []
    code = runtime.start(spec).pump(out.append, err.append)
    return code, b"".join(out).decode(), b"".join(err).decode()


def script(root: Path, text: str, *, user: User | None = None, platform: str = "") -> ExecSpec:
    """Return a shell script as a command."""
    return ExecSpec(
        root=root,
        argv=["sh", "-c", text],
        env=["PATH=/bin"],
        user=user or User(),
        platform=platform,
    )


def test_code_and_streams_are_the_commands(runtime: ChrootRuntime, root: Path) -> None:
    spec = script(root, "echo out; echo err >&2; exit 3")
    assert ran(runtime, spec) == (3, "out\n", "err\n")
    assert sorted(path.name for path in root.iterdir()) == ["bin", "usr"]


def test_signal_is_told_as_shells_do(runtime: ChrootRuntime, root: Path) -> None:
    assert ran(runtime, script(root, "kill -9 $$"))[0] == 128 + signal.SIGKILL


def test_command_runs_as_its_user_with_dockers_capabilities_at_most(
    runtime: ChrootRuntime, root: Path
) -> None:
    user = User(uid=1000, gid=50, groups=(7,))
    said = ran(
        runtime, script(root, "busybox id -u; busybox id -G; busybox id -u > /file", user=user)
    )
    assert said[1] == "1000\n50 7\n"
    assert "ermission denied" in said[2]
    assert ran(runtime, script(root, "busybox mount -t tmpfs x /bin"))[0] != 0


@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [
        ("nothing", 127, "no such executable"),
        ("/bin", 126, "permission denied"),
        ("/bin/lost", 127, "interpreter or its loader is missing"),
        ("/bin/text", 126, "no program that this machine can run"),
    ],
)
def test_what_cannot_be_executed_is_explained(
    runtime: ChrootRuntime, root: Path, name: str, code: int, reason: str
) -> None:
    for file, text in (("lost", "#!/no/such/shell\n"), ("text", "text\n")):
        (root / "bin" / file).write_text(text)
        (root / "bin" / file).chmod(0o755)
    found = ran(runtime, ExecSpec(root=root, argv=[name], env=["PATH=/bin"]))
    assert found[0] == code
    assert reason in found[2]


def test_kill_ends_all_of_it(runtime: ChrootRuntime, root: Path) -> None:
    process = runtime.start(script(root, "(busybox sleep 300 &); echo ready; busybox sleep 300"))
    threading.Timer(0.5, process.kill).start()
    assert process.pump(lambda _data: None, lambda _data: None) == 128 + signal.SIGKILL
    process.kill()


def test_second_command_sees_the_same_root(runtime: ChrootRuntime, root: Path) -> None:
    process = runtime.start(script(root, "until [ -e /go ]; do busybox usleep 10000; done"))
    pump = threading.Thread(target=process.pump, args=[lambda _data: None, lambda _data: None])
    pump.start()
    asked = runtime.ask(process, ["sh", "-c", "echo asked > /go; echo told"], timeout_s=30)
    pump.join()
    assert asked is not None
    assert (asked.code, asked.stdout) == (0, b"told\n")
    assert process.wait() == 0


def test_foreign_programs_run_by_proot_where_the_kernel_runs_none(
    runtime: ChrootRuntime,
    make_root: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    need("proot", package="proot")
    qemu = need_emulator().rpartition("/")[2].removeprefix("qemu-").removesuffix("-static")
    monkeypatch.setattr(binfmt, "missing_emulator", lambda _platform, **_registered: qemu)
    platform = f"linux/{foreign_architecture()}"
    runtime.emulate(platform)
    spec = script(make_root(foreign_architecture()), "busybox uname -m", platform=platform)
    assert ran(runtime, spec)[:2] == (0, f"{qemu}\n")


@pytest.mark.timeout(100)
@pytest.mark.parametrize("proc", ["none", "proot"])
def test_command_is_over_whatever_it_leaves_behind(tmp_path: Path, root: Path, proc: str) -> None:
    if proc == "proot":
        need("proot", package="proot")
    runtime = ChrootRuntime.probe(tmp_path, proc)
    left = "(busybox setsid busybox sleep 3000 &); busybox sleep 3000 & echo done; exit 3"
    assert ran(runtime, script(root, left)) == (3, "done\n", "")


def test_proot_must_be_there_when_it_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="apt-get install proot"):
        ChrootRuntime.probe(tmp_path, "proot")
