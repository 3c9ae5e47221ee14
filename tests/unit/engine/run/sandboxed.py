"""Runs a piece of a test inside the engine's sandbox, and brings back what it gave."""

from __future__ import annotations

import os
import pickle
import sys
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from keelway.engine.run import kernel
from keelway.engine.run.enter import Sandbox, enter_sandbox
from keelway.engine.run.overlay import bind, mount_overlay
from keelway.engine.run.prepare import prepare
from keelway.engine.run.runtime import Runtime
from keelway.engine.run.spec import ExecSpec
from tests.support.missing import missing

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

PATH = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An ordinary user of this machine, or one that only these tests see."""

    uid: int
    gid: int
    name: str
    files: Path | None = None
    """What they see in place of the machine's passwd, group, subuid and subgid."""

    def appear(self) -> None:
        """Make it known to this process and those it starts; root only, with mounts allowed."""
        if self.files is None:
            return
        kernel.unshare(kernel.CLONE_NEWNS)
        kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_SLAVE)
        for file in self.files.iterdir():
            bind(file, Path("/etc", file.name))


def in_sandbox(
    work: Callable[[Sandbox], T],
    *,
    account: Account | None = None,
    before: Callable[[], object] = lambda: None,
) -> T:
    """Return what `work` gives in a sandbox of its own, entered by root or by an account.

    The test's process is forked, which leaves one thread; results come back by a pipe. What
    `before` does to the process is done first.
    """

    def enter(send: int) -> int:
        if account is not None:
            account.appear()
        before()
        if account is not None:
            become(account)
        return enter_sandbox(lambda sandbox: _report(lambda: work(sandbox), send))

    result: T = _forked(enter)
    return result


def in_child(work: Callable[[], T]) -> T:
    """Return what `work` gives in a process of one thread, which it may change as it likes."""
    result: T = _forked(lambda send: _report(work, send))
    return result


def _forked(work: Callable[[int], int]) -> Any:  # what was pickled
    if os.geteuid() != 0:
        missing("root, or a user to become, for the tests that make namespaces")
    receive, send = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(receive)
        os._exit(_child(work, send))
    os.close(send)
    with os.fdopen(receive, "rb") as pipe:
        data = pipe.read()
    _, status = os.waitpid(pid, 0)
    if not data:
        pytest.fail(f"the sandbox ended with {os.waitstatus_to_exitcode(status)} and no result")
    ended_well, value = pickle.loads(data)  # noqa: S301 - of our own child
    if not ended_well:
        pytest.fail(f"inside the sandbox:\n{value}")
    return value


def _child(work: Callable[[int], int], send: int) -> int:
    try:
        return work(send)
    except BaseException:  # noqa: BLE001 - told by the parent
        _send(send, (False, traceback.format_exc()))
        return 1


def become(account: Account) -> None:
    """Be an ordinary user from here on."""
    os.setgroups([])
    os.setresgid(account.gid, account.gid, account.gid)
    os.setresuid(account.uid, account.uid, account.uid)
    os.chdir("/")
    if not os.access(os.path.realpath(sys.executable), os.X_OK):
        sys.executable = "/usr/bin/python3"  # the tests' own may lie in root's home


def _report(work: Callable[[], object], send: int) -> int:
    try:
        answer: tuple[bool, object] = (True, work())
    except BaseException:  # noqa: BLE001 - told by the parent
        answer = (False, traceback.format_exc())
    _send(send, answer)
    return 0


def _send(send: int, answer: object) -> None:
    with os.fdopen(send, "wb") as pipe:
        pickle.dump(answer, pipe)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What one command did."""

    code: int
    stdout: bytes
    stderr: bytes
    upper: Path

    @property
    def text(self) -> str:
        return self.stdout.decode()


@dataclass(slots=True)
class Box:
    """A runtime and one root to run commands in, each on a fresh upper."""

    runtime: Runtime
    lowers: list[Path]
    work: Path
    count: int = 0
    root: Path = field(default_factory=Path)

    @classmethod
    def make(cls, sandbox: Sandbox, *lowers: Path, work: Path | None = None) -> Box:
        runtime = Runtime.probe(sandbox.state_dir)
        return cls(runtime, list(lowers), work or sandbox.state_dir)

    def run(
        self, *argv: str, stdin: bytes | int | None = None, code: int | None = 0, **spec: object
    ) -> Ran:
        """Run a command; its exit code must be `code` unless that is None."""
        self.count += 1
        names = [self.work / f"{kind}{self.count}" for kind in ("upper", "work", "root")]
        for name in names:
            name.mkdir()
        upper, work, self.root = names
        out: list[bytes] = []
        err: list[bytes] = []
        with mount_overlay(self.lowers, upper=upper, work=work, target=self.root):
            made = ExecSpec(root=self.root, argv=argv, **{"env": [PATH], **spec})  # type: ignore[arg-type]  # options by name
            prepared = prepare(made)
            ended = self.runtime.run(made, stdin=stdin, on_stdout=out.append, on_stderr=err.append)
        prepared.clean(self.root, upper)
        ran = Ran(code=ended, stdout=b"".join(out), stderr=b"".join(err), upper=upper)
        if code is not None and ended != code:
            raise AssertionError(f"{argv} gave {ended}, not {code}: {ran}")
        return ran

    def sh(self, script: str, **options: object) -> Ran:
        """Run a shell script."""
        return self.run("/bin/sh", "-c", script, **options)  # type: ignore[arg-type]  # options by name
