"""What is said where there can be no sandbox: each thing that it needs is taken away in turn."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from keelway.engine.errors import EngineError
from keelway.engine.run import kernel, overlay
from keelway.engine.run.enter import enter_sandbox
from keelway.engine.run.idmap import Mapper, identity
from keelway.engine.run.network import Network
from keelway.engine.run.refusal import Cause, SandboxRefusedError
from keelway.engine.run.runtime import Runtime
from tests.support import powers
from tests.support.missing import need
from tests.unit.engine.run.sandboxed import Account, Box, become, in_child, in_sandbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from keelway.engine.run.enter import Sandbox


def nothing() -> None:
    """Take nothing away."""


def refusal(prepare: Callable[[], object], account: Account | None) -> tuple[Cause, str]:
    """Return why the sandbox is refused after something was taken away."""

    def work() -> tuple[Cause, str]:
        if account is not None:
            account.appear()
        prepare()
        if account is not None:
            become(account)
        try:
            enter_sandbox(lambda _: 0)
        except SandboxRefusedError as error:
            return error.cause, str(error)
        raise AssertionError("the sandbox was entered")

    return in_child(work)


def test_no_user_namespaces_left(account: Account) -> None:
    def limit() -> None:
        """Each user namespace has a limit for those below it."""
        with Mapper.start() as mapper:
            kernel.unshare(kernel.CLONE_NEWUSER)
            mapper.finish()
        Path("/proc/sys/user/max_user_namespaces").write_text("0")

    cause, text = refusal(limit, account)
    assert cause is Cause.NAMESPACES
    assert "no user namespace here: the machine's limit of 0 is reached" in text
    assert "`sysctl user.max_user_namespaces=10000`" in text


@pytest.mark.parametrize("root", [True, False])
def test_a_filter_of_system_calls(account: Account, *, root: bool) -> None:
    """As in a container without privileges: Docker's filter refuses these."""

    def filtered() -> None:
        powers.refuse_system_calls(powers.UNSHARE)

    cause, text = refusal(filtered, None if root else account)
    assert cause is Cause.NAMESPACES
    assert ("root may make neither namespaces nor a user namespace" in text) is root
    assert "a filter of system calls refuses them (Operation not permitted)" in text
    assert "--security-opt seccomp=unconfined" in text


def test_no_program_that_maps(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    cause, text = refusal(nothing, account)
    assert cause is Cause.IDS
    assert text.startswith("newuidmap is not on the PATH")
    assert "apt-get install uidmap" in text


def test_a_program_that_may_not_map(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    # Not in pytest's folder, which other accounts may not enter.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        for name in ("newuidmap", "newgidmap"):
            program = Path(folder) / name
            shutil.copyfile(need(name, package="uidmap"), program)
            program.chmod(0o755)  # without the set-uid bit
        monkeypatch.setenv("PATH", folder)
        cause, text = refusal(nothing, account)
    assert cause is Cause.IDS
    assert "; it needs its set-uid bit" in text


def test_no_new_privileges(account: Account) -> None:
    cause, text = refusal(powers.gain_no_privileges, account)
    assert cause is Cause.IDS
    assert "(no_new_privs): start the container without `--security-opt no-new" in text


def test_no_subordinate_ids() -> None:
    cause, text = refusal(nothing, Account(uid=65534, gid=65534, name="nobody"))
    assert cause is Cause.IDS
    assert text.startswith("nobody has no 65536 ids in /etc/subuid")
    assert "usermod --add-subuids 100000-165535" in text


@pytest.mark.parametrize("root", [True, False])
def test_a_proc_of_which_parts_are_hidden(account: Account, *, root: bool) -> None:
    def masked() -> None:
        kernel.unshare(kernel.CLONE_NEWNS)
        kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_SLAVE)
        overlay.bind(Path("/dev/null"), Path("/proc/interrupts"))
        if root:
            powers.drop_capability(powers.CAP_SYS_ADMIN)

    cause, text = refusal(masked, None if root else account)
    assert cause is Cause.PROC
    assert "parts of it are hidden" in text
    assert "--security-opt systempaths=unconfined" in text


def test_mounts_that_are_refused(account: Account) -> None:
    def filtered() -> None:
        powers.refuse_system_calls(powers.MOUNT)

    cause, text = refusal(filtered, account)
    assert cause is Cause.MOUNTS
    assert "may be mounted in the engine's own namespaces (Operation not permitted)" in text


def test_no_proc() -> None:
    def work() -> None:
        kernel.unshare(kernel.CLONE_NEWNS)
        kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_SLAVE)
        overlay.tmpfs(Path("/proc"))
        with pytest.raises(EngineError, match="/proc is not mounted: `mount -t proc proc /proc`"):
            enter_sandbox(lambda _: 0)

    in_child(work)


# --- what is not needed ------------------------------------------------------------------------


def test_root_needs_no_power_to_mount(rootfs: Path) -> None:
    """As in a container that allows user namespaces, and nothing else."""

    def work(sandbox: Sandbox) -> None:
        assert sandbox.rootless
        box = Box.make(sandbox, rootfs)
        network = Network(sandbox.state_dir)
        script = "id -u; touch /new; chown 70000:70001 /new; stat -c %u:%g /new"
        assert box.sh(script, network=network.attach()).text == "0\n70000:70001\n"
        network.close()

    in_sandbox(work, before=lambda: powers.drop_capability(powers.CAP_SYS_ADMIN))


def test_root_that_may_not_map_ids() -> None:
    def less() -> None:
        powers.drop_capability(powers.CAP_SYS_ADMIN)
        powers.drop_capability(powers.CAP_SETUID)

    cause, text = refusal(less, None)
    assert cause is Cause.IDS
    assert "has not all of CAP_SETUID, CAP_SETGID and CAP_SETFCAP" in text


def test_a_chroot_whose_root_is_no_mount(tmp_path: Path) -> None:
    """As of a rescue system or an unpacked archive; crun needs a root that is a mount."""
    outside = Path("/proc/self/mountinfo").read_text()

    def chrooted() -> None:
        kernel.unshare(kernel.CLONE_NEWNS)
        kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_SLAVE)
        new = tmp_path / "root"
        new.mkdir()
        for place in Path("/").iterdir():
            if place.is_symlink():
                (new / place.name).symlink_to(place.readlink())
            elif place.is_dir():
                (new / place.name).mkdir()
                overlay.bind(place, new / place.name, recursive=True)
        (new / "mark").touch()
        os.chroot(new)
        os.chdir("/")

    def work(sandbox: Sandbox) -> None:
        assert Path("/mark").exists()
        assert not Path("/mark").is_mount()
        assert Path("/").is_mount()
        Runtime.probe(sandbox.state_dir).close()

    in_sandbox(work, before=chrooted)
    assert Path("/proc/self/mountinfo").read_text() == outside


def test_a_map_that_keeps_all_ids() -> None:
    assert identity("         0          0 4294967295\n") == "0 0 4294967294\n"
    assert identity("0 1000 1\n1 100000 65536\n") == "0 0 1\n1 1 65536\n"
