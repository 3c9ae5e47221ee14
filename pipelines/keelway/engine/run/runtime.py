"""The OCI runtime that execs run in: crun where it works, else runc.

    runtime = Runtime.probe(sandbox.state_dir)
    code = runtime.run(ExecSpec(root=merged, argv=["true"]))

Must be called inside the sandbox (`enter.py`): crun refuses hybrid cgroups unless an empty tmpfs
hides them, which only a private mount namespace may have. Which runtime works is found by a real
run, since versions tell nothing of the machine.
"""

from __future__ import annotations

import contextlib
import itertools
import secrets
import shutil
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from keelway.engine.errors import EngineError
from keelway.engine.run import binfmt, overlay
from keelway.engine.run.bundle import write_bundle
from keelway.engine.run.failure import logged_error, misplaced_output
from keelway.engine.run.powers import available_capabilities, special_devices
from keelway.engine.run.process import Process
from keelway.engine.run.reaper import Reaper
from keelway.engine.run.seccomp import ALLOW_ALL, Filter, default_filter
from keelway.engine.run.spec import DEFAULT_CAPABILITIES, Bind, Confinement, ExecSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keelway.engine.run.bundle import Bundle
    from keelway.engine.run.executing import Running
    from keelway.engine.run.started import Asked
    from keelway.engine.run.streams import Sink
    from keelway.engine.run.terminal import Terminal

_CGROUPS: Final = Path("/sys/fs/cgroup")
_FILTERED: Final = 42
_UNFILTERED: Final = 43
_PROBE: Final = (
    'while read name value; do [ "$name$value" = Seccomp:2 ] '
    f"&& exit {_FILTERED}; done </proc/self/status; exit {_UNFILTERED}"
)
_HOST_PROGRAMS: Final = ("bin", "sbin", "usr", "lib", "lib32", "lib64", "libx32")


def ignore(_: bytes) -> None:
    """Drop output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """A runtime that was seen to work; threads may share it."""

    program: Path
    """The executable."""
    name: str
    """`crun` or `runc`."""
    state_dir: Path
    takes_program: bool | None = None
    """Whether it installs a compiled filter of system calls; None until that is known."""
    reaper: Reaper = field(default_factory=Reaper)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)
    _session: str = field(default_factory=lambda: secrets.token_hex(4))
    """In each container's name: runc names cgroups after it, and those of a killed one stay."""

    @classmethod
    def probe(cls, state_dir: Path) -> Runtime:
        """Return the fastest runtime that runs a command here.

        Raises:
            EngineError: There is none; says what was tried, and what to install.
        """
        tried: list[str] = []
        for name in ("crun", "runc"):
            program = shutil.which(name)
            if program is None:
                tried.append(f"{name}: not installed")
                continue
            runtime = cls(
                program=_shielded(Path(program), state_dir), name=name, state_dir=state_dir
            )
            answer = runtime._try()
            if isinstance(answer, bool):
                # Compiled and started while the client is still talking, not in its first exec.
                threading.Thread(target=_warm, args=[runtime.reaper], daemon=True).start()
                return replace(runtime, takes_program=answer)
            tried.append(f"{name}: {answer}")
        raise EngineError(
            "no container runtime works on this machine ("
            + "; ".join(tried)
            + "). Install crun (or runc) from your distribution"
        )

    def start(self, spec: ExecSpec, *, stdin: bytes | int | None = None) -> Process:
        """Start a command; the caller has one thread call `pump` of what is returned.

        Raises:
            EngineError: It could not be started at all.
        """
        init = self.reaper.new() if spec.init else None
        undo = contextlib.ExitStack()
        if init is not None:
            undo.callback(init.end)
        with undo:
            try:
                bundle = self._bundle(spec, None if init is None else init.namespace)
                undo.callback(bundle.remove)
                argv = self._argv(bundle)
                process = Process(argv, bundle, init, stdin=stdin, command=spec.argv[0])
            except OSError as error:
                raise EngineError(f"cannot start {spec.argv[0]!r}: {error}") from error
            undo.pop_all()  # the process sees to it from here on
            return process

    def run(
        self,
        spec: ExecSpec,
        *,
        stdin: bytes | int | None = None,
        on_stdout: Sink = ignore,
        on_stderr: Sink = ignore,
    ) -> int:
        """Run a command to its end, in this thread; return its exit code, 128+n for a signal.

        A command that is missing gives 127, one that cannot be executed 126, with a line on
        standard error.

        Raises:
            EngineError: The runtime failed, not the command.
        """
        return self.start(spec, stdin=stdin).pump(on_stdout, on_stderr)

    def attach(
        self, spec: ExecSpec, terminal: Terminal, *, gone: Callable[[], bool] = lambda: False
    ) -> int:
        """Run a command at a terminal and return its exit code; `gone` tells when to give up.

        Raises:
            EngineError: It could not be started.
        """
        init = self.reaper.new() if spec.init else None
        with contextlib.ExitStack() as undo:
            if init is not None:
                undo.callback(init.end)
            shown = replace(spec, terminal=terminal.size())
            try:
                bundle = self._bundle(shown, None if init is None else init.namespace)
                undo.callback(bundle.remove)
                code = terminal.run(self._argv(bundle), bundle.pid_file, gone=gone)
            except OSError as error:
                raise EngineError(f"cannot start {spec.argv[0]!r}: {error}") from error
            shown_late = misplaced_output(bundle.log)
            if shown_late:
                terminal.show(shown_late)
                return code
            problem = logged_error(bundle.log)
            if problem is not None:
                raise EngineError(f"cannot start {spec.argv[0]!r}: {problem}")
            return code

    def ask(self, process: Running, argv: Sequence[str], *, timeout_s: float) -> Asked | None:
        """Run a second command in the container of a running one, as the same user.

        Returns None when time is up; the command is killed then.

        Raises:
            EngineError: The runtime could not be started.
        """
        running = self._own(process)
        return running.ask(
            [str(self.program), *self._options(running.bundle)], argv, timeout_s=timeout_s
        )

    def shared_dir(self, root: Path) -> Path:
        """Return where to make a socket that a command in this root is to be shown."""
        del root  # whatever is shown is mounted
        return self.state_dir

    def emulate(self, platform: str) -> None:
        """Make programs of a platform run in containers.

        Raises:
            EngineError: They can't; says what to install.
        """
        binfmt.ensure(platform)

    def join(
        self,
        process: Running,
        argv: Sequence[str],
        terminal: Terminal,
        *,
        gone: Callable[[], bool],
    ) -> int:
        """Run a second command in the container of a running one, at a terminal.

        Raises:
            EngineError: The runtime could not be started.
        """
        running = self._own(process)
        program = [str(self.program), *self._options(running.bundle)]
        return running.join(program, argv, terminal, gone=gone)

    def close(self) -> None:
        """End what serves the execs; they should be over."""
        self.reaper.close()

    @staticmethod
    def _own(process: Running) -> Process:
        if not isinstance(process, Process):
            raise TypeError(f"expected a process of this runtime, got {process!r}")
        return process

    def _argv(self, bundle: Bundle) -> Sequence[str]:
        argv = [str(self.program), *self._options(bundle)]
        argv += ["--log", str(bundle.log), "--log-format", "json"]
        argv += ["run", "--bundle", str(bundle.path), "--pid-file", str(bundle.pid_file)]
        return [*argv, bundle.name]

    def _options(self, bundle: Bundle) -> list[str]:
        options = ["--root", str(bundle.runtime_state)]
        return [*options, "--cgroup-manager=disabled"] if self.name == "crun" else options

    def _bundle(self, spec: ExecSpec, pid_namespace: str | None) -> Bundle:
        privileged = spec.privileged
        found = self._filter(spec)
        confinement = Confinement(
            pid_namespace=pid_namespace,
            seccomp=None if found is None else found.profile,
            seccomp_program=None if found is None else found.program,
            capabilities=available_capabilities() if privileged else DEFAULT_CAPABILITIES,
            devices=special_devices() if privileged else (),
        )
        name = f"keelway-{self._session}-{next(self._numbers)}"
        return write_bundle(self.state_dir / name, spec, confinement)

    def _filter(self, spec: ExecSpec) -> Filter | None:
        if spec.privileged:
            return None
        match self.takes_program:
            case None:  # being probed
                return Filter(profile={"defaultAction": "SCMP_ACT_ALLOW"}, program=ALLOW_ALL)
            case True:
                return default_filter()
            case False:
                return replace(default_filter(), program=None)

    def _try(self) -> bool | str:
        """Run a command of the host's; return whether it was filtered, or what went wrong."""
        hidden = self._hide_cgroups()
        try:
            answer = self._run_probe()
        except (EngineError, OSError) as error:
            answer = str(error)
        if isinstance(answer, str) and hidden:
            overlay.unmount(_CGROUPS)
        return answer

    def _hide_cgroups(self) -> bool:
        if self.name != "crun" or not _CGROUPS.is_dir():
            return False
        overlay.tmpfs(_CGROUPS)
        return True

    def _run_probe(self) -> bool | str:
        said: list[bytes] = []
        root = self.state_dir / "probe"
        root.mkdir(exist_ok=True)
        with overlay.tmpfs(root):
            # Without an init, so that starting that program need not be waited for.
            spec = ExecSpec(
                root=root, argv=["/bin/sh", "-c", _PROBE], binds=_host(root), init=False
            )
            code = self.run(spec, on_stderr=said.append)
        if code in (_FILTERED, _UNFILTERED):
            return code == _FILTERED
        return b"".join(said).decode(errors="replace").strip() or f"a test command gave {code}"


def _shielded(program: Path, state_dir: Path) -> Path:
    """Return the program on a read-only mount of its own.

    A container could otherwise write to it by /proc/PID/exe, against which crun makes a copy of
    itself at every start; when it finds itself on a read-only mount it need not: 1.4 ms less.
    """
    shield = state_dir / program.name
    shield.touch()
    overlay.bind(program, shield, readonly=True)
    return shield


def _host(root: Path) -> list[Bind]:
    """Show the host's programs in an empty root: links as links, directories as binds."""
    binds: list[Bind] = []
    for name in _HOST_PROGRAMS:
        host = Path("/") / name
        if host.is_symlink():
            (root / name).symlink_to(host.readlink())
        elif host.is_dir():
            binds.append(Bind(source=host, target=str(host), readonly=True))
    return binds


def _warm(reaper: Reaper) -> None:
    default_filter()
    with contextlib.suppress(EngineError, OSError):  # the first exec will say so
        reaper.warm()
