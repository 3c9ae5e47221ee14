"""Programs of another platform run, by the host's registration or one that is made."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import pytest

from keelway.engine.errors import EngineError
from keelway.engine.run import binfmt, kernel
from tests.support.missing import missing
from tests.unit.engine.run.conftest import make_root
from tests.unit.engine.run.sandboxed import Account, Box, in_sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from keelway.engine.run.enter import Sandbox

FOREIGN = {"x86_64": ("arm64", "aarch64"), "aarch64": ("amd64", "x86_64")}


@pytest.fixture
def foreign() -> tuple[str, str]:
    """The Docker and the qemu name of a platform that is not this machine's."""
    arch, qemu = FOREIGN[platform.machine()]
    if binfmt.read_rule(qemu) is None:
        missing(f"qemu-{qemu}-static (package qemu-user-static)")
    return arch, qemu


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """What earlier tests found out."""
    monkeypatch.setattr(binfmt, "_ready", set())


@pytest.fixture
def clean_host(foreign: tuple[str, str]) -> Iterator[None]:
    """The host's binfmt_misc, left as it was."""
    mounted = (binfmt.FOLDER / "register").exists()
    entry = binfmt.FOLDER / f"keelway-{foreign[1]}"
    before = entry.exists()
    yield
    if mounted and not before and entry.exists():
        entry.write_text("-1")


@pytest.mark.emulated
@pytest.mark.usefixtures("clean_host")
def test_root_runs_another_platform(
    foreign: tuple[str, str], busybox: Callable[[str], bytes], tmp_path: Path
) -> None:
    rootfs = make_root(tmp_path / "layer", busybox(foreign[0]))

    def work(sandbox: Sandbox) -> None:
        binfmt.ensure(f"linux/{foreign[0]}")
        binfmt.ensure(f"linux/{foreign[0]}/v8")
        box = Box.make(sandbox, rootfs)
        for init in (True, False):
            assert box.run("uname", "-m", init=init).text.strip() == foreign[1]
        assert box.sh("exit 3", code=3).stderr == b""

    in_sandbox(work)


@pytest.mark.emulated
def test_a_user_runs_another_platform(
    foreign: tuple[str, str], busybox: Callable[[str], bytes], account: Account
) -> None:
    program = busybox(foreign[0])
    before = sorted(path.name for path in binfmt.FOLDER.iterdir())

    def work(sandbox: Sandbox) -> bool:
        box = Box.make(sandbox, make_root(sandbox.state_dir / "layer", program))
        try:  # an empty one of our own, so that the host's entries do not hold
            kernel.mount("binfmt_misc", binfmt.FOLDER, "binfmt_misc", 0)
        except OSError:
            return False
        # Without emulation it is told from a command that fails.
        assert box.run("uname", code=126).stderr.startswith(b"cannot run 'uname': ")
        binfmt.ensure(f"linux/{foreign[0]}")
        assert box.run("uname", "-m").text.strip() == foreign[1]
        return True

    if not in_sandbox(work, account=account):
        missing("a kernel with binfmt_misc in user namespaces (6.7)")
    assert sorted(path.name for path in binfmt.FOLDER.iterdir()) == before, "shows on the host"


def test_what_cannot_be_emulated_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="windows/amd64 cannot run here: only Linux"):
        binfmt.ensure("windows/amd64")
    with pytest.raises(EngineError, match="linux/vax cannot run here: no emulator is known"):
        binfmt.ensure("linux/vax")
    (tmp_path / "register").touch()
    monkeypatch.setattr(binfmt, "FOLDER", tmp_path)
    monkeypatch.setattr(binfmt, "_RULES", tmp_path)
    with pytest.raises(EngineError, match="linux/s390x need an emulator: install qemu-user-static"):
        binfmt.ensure("linux/s390x")


def test_what_is_registered_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "register").touch()
    entry = tmp_path / "qemu-s390x"
    entry.write_text("enabled\ninterpreter /x\nflags: OCF\noffset 0\n")
    monkeypatch.setattr(binfmt, "FOLDER", tmp_path)
    monkeypatch.setattr(binfmt, "_RULES", tmp_path)
    binfmt.ensure("linux/s390x")
    for unusable in ("disabled\nflags: OCF\n", "enabled\nflags: OC\n"):
        entry.write_text(unusable)
        monkeypatch.setattr(binfmt, "_ready", set())
        with pytest.raises(EngineError, match="install qemu-user-static"):
            binfmt.ensure("linux/s390x")


def test_the_own_platform_needs_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(binfmt, "FOLDER", tmp_path / "none")
    binfmt.ensure({"x86_64": "linux/amd64", "aarch64": "linux/arm64"}[platform.machine()])
