"""Commands in a plain chroot: for places that allow neither a mount nor a namespace.

    runtime = ChrootRuntime(state_dir, proc="none")
    code = runtime.start(spec).pump(on_stdout, on_stderr)

The root is a plain directory. What a runtime would mount is put into it for the time of the
command (`chroot_places.py`); the command's parent (`chroot_launch.py`) makes the chroot, drops
what Docker's containers do not have, and leaves no process behind. With `proc="proot"` a command
sees `/proc` and `/sys` by way of proot, which traces it: slower, and such a command cannot change
its user, for which a tracer needs CAP_SYS_PTRACE. Emulated programs run that way where the kernel
runs none.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from keelway.engine.errors import EngineError
from keelway.engine.run import binfmt, powers
from keelway.engine.run.bundle import HOSTS, RESOLV_CONF, Bundle, hosts_text
from keelway.engine.run.chroot_places import Places
from keelway.engine.run.chroot_process import ChrootProcess
from keelway.engine.run.inroot import Root
from keelway.engine.run.seccomp import default_filter
from keelway.engine.run.spec import DEFAULT_CAPABILITIES, Bind, SecretFile, Tmpfs, last_wins

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keelway.engine.run.executing import Running
    from keelway.engine.run.spec import ExecSpec, Json
    from keelway.engine.run.started import Asked
    from keelway.engine.run.terminal import Terminal

_HOST_RESOLV_CONF: Final = Path("/etc/resolv.conf")
_SHOWN: Final = ("/proc", "/sys", "/dev/pts", "/dev/ptmx")
_ANYONE: Final = 0o001
_NO_TERMINAL: Final = (
    "terminal: isolation chroot has no terminals to give. Run the engine where namespaces are "
    "allowed: on a host, or in a privileged container"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChrootRuntime:
    """Runs commands by chroot; threads share it."""

    state_dir: Path
    """A directory on a tmpfs: what a command is told, secret variables included, is there."""
    proc: str
    """`none`, or `proot`: how commands get `/proc`."""
    _emulators: dict[str, str] = field(default_factory=dict[str, str])
    """Architecture -> the emulator that proot runs its programs by."""
    _numbers: itertools.count[int] = field(default_factory=itertools.count)
    _told: set[str] = field(default_factory=set[str])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def probe(cls, state_dir: Path, proc: str) -> ChrootRuntime:
        """Return the runtime where a command's basic needs can be met.

        Raises:
            EngineError: Device nodes can't be made, or proot is wanted and not installed.
        """
        with tempfile.TemporaryDirectory(dir=state_dir) as name:
            try:
                os.mknod(Path(name) / "null", 0o20666, os.makedev(1, 3))
            except OSError as error:
                raise EngineError(
                    f"isolation chroot needs to make device nodes ({error.strerror}): give the "
                    "container CAP_MKNOD, which Docker's containers have by default"
                ) from error
        if proc == "proot":
            _proot()
        return cls(state_dir=state_dir, proc=proc)

    def emulate(self, platform: str) -> None:
        """See to it that programs of a platform can run: by the host's binfmt_misc, else by proot.

        Raises:
            EngineError: They can't; says what to install.
        """
        # proot loads programs itself, so the kernel's own way to emulate is closed to it.
        emulator = binfmt.missing_emulator(platform, registered=self.proc != "proot")
        if emulator is None:
            return
        program = shutil.which(f"qemu-{emulator}-static")
        if program is None:
            raise EngineError(
                f"programs for {platform} need an emulator: install qemu-user-static "
                "(apt-get install qemu-user-static)"
            )
        _proot()
        self._emulators[_architecture(platform)] = program

    def start(self, spec: ExecSpec, *, stdin: bytes | int | None = None) -> ChrootProcess:
        """Start a command; the caller has one thread call `pump` of what is returned.

        Raises:
            EngineError: It could not be started at all, or asks for what there is not here.
        """
        if spec.privileged:
            raise EngineError(
                "insecureRootCapabilities: isolation chroot has no privileges to give. Run the "
                "engine where namespaces are allowed: on a host, or in a privileged container"
            )
        if spec.network is None:
            self._tell_once("network", "a command that asked for no network has the host's")
        number = next(self._numbers)
        places = Places(spec.root, spec.root.with_name(f"aside-{os.getpid()}-{number}"))
        with contextlib.ExitStack() as undo:
            undo.callback(places.clear)
            try:
                tracer = self._tracer(spec)
                hosts = _furnish(places, spec)
                if spec.names is not None:
                    spec.names.follow(hosts)
                    undo.callback(spec.names.leave, hosts)
                bundle = Bundle(path=self.state_dir / f"chroot-{number}")
                bundle.path.mkdir(mode=0o700)
                undo.callback(bundle.remove)
                config = _config(spec, tracer)
                process = ChrootProcess(
                    bundle,
                    config,
                    stdin=stdin,
                    command=spec.argv[0],
                    on_end=partial(_clear, places, hosts, spec),
                )
            except OSError as error:
                where = f"{error.filename}: " if isinstance(error.filename, str) else ""
                reason = error.strerror or error
                raise EngineError(f"cannot start {spec.argv[0]!r}: {where}{reason}") from error
            undo.pop_all()  # the process sees to it from here on
            return process

    def shared_dir(self, root: Path) -> Path:
        """Return where to make a socket that a command in this root is to be shown: it is moved."""
        return root.parent

    def attach(
        self, spec: ExecSpec, terminal: Terminal, *, gone: Callable[[], bool] = lambda: False
    ) -> int:
        """Refuse: a command could take the terminal over, and type into what started the engine.

        Raises:
            EngineError: Always.
        """
        del spec, terminal, gone
        raise EngineError(_NO_TERMINAL)

    def join(
        self,
        process: Running,
        argv: Sequence[str],
        terminal: Terminal,
        *,
        gone: Callable[[], bool],
    ) -> int:
        """Refuse, as `attach`.

        Raises:
            EngineError: Always.
        """
        del process, argv, terminal, gone
        raise EngineError(_NO_TERMINAL)

    def ask(self, process: Running, argv: Sequence[str], *, timeout_s: float) -> Asked | None:
        """Run a second command in the root of a running one, as the same user.

        Returns None when time is up; the command is killed then.

        Raises:
            EngineError: It could not be started.
        """
        if not isinstance(process, ChrootProcess):
            raise TypeError(f"expected a process of this runtime, got {process!r}")
        return process.ask(argv, timeout_s=timeout_s)

    def close(self) -> None:
        """Do nothing: each command has its own parent, which ends with it."""

    def _tracer(self, spec: ExecSpec) -> list[str]:
        """Return the words that run the command by proot, if it is."""
        emulator = self._emulators.get(_architecture(spec.platform))
        if (self.proc == "none" and emulator is None) or not _is_there(spec):
            return []  # what is not there is best told by the kernel
        if spec.user.uid != 0:
            _demand_way_in(spec.root)
        words = [_proot(), "-r", str(spec.root), "-w", spec.cwd]
        words += [word for path in _SHOWN if Path(path).exists() for word in ("-b", path)]
        return [*words, "-q", emulator] if emulator else words

    def _tell_once(self, about: str, text: str) -> None:
        with self._lock:
            if about in self._told:
                return
            self._told.add(about)
        sys.stderr.write(f"keelway-engine: isolation chroot: {text}\n")


def _proot() -> str:
    program = shutil.which("proot")
    if program is None:
        raise EngineError("proot is not installed: apt-get install proot")
    return program


def _demand_way_in(root: Path) -> None:
    """Refuse a user whom the directories above the tree keep out: proot walks through them."""
    for folder in root.parents:
        if not folder.stat().st_mode & _ANYONE:
            raise EngineError(
                f"by proot only root can run commands here: {folder} is closed to other users. "
                f"`chmod o+x {folder}`, or set KEELWAY_STORE to another directory"
            )


def _is_there(spec: ExecSpec) -> bool:
    """Tell whether the command is in the root, or may be in something that is put there."""
    program = spec.argv[0]
    if "/" in program:
        places = [program if program.startswith("/") else f"{spec.cwd}/{program}"]
    else:
        env = dict(entry.split("=", 1) for entry in spec.env)
        places = [f"{folder}/{program}" for folder in env.get("PATH", "/bin:/usr/bin").split(":")]
    with Root(spec.root) as root:
        return any(root.exists(place) for place in places) or any(
            Path(place).is_relative_to(bind.target) for place in places for bind in spec.binds
        )


def _architecture(platform: str) -> str:
    return platform.partition("/")[2].partition("/")[0]


def _furnish(places: Places, spec: ExecSpec) -> Path:
    """Put into the root what a runtime would mount, parents before children.

    Returns the file that is shown as `/etc/hosts`.
    """
    places.folder("/proc", mode=0o555)
    places.folder("/sys", mode=0o555)
    places.devices()
    mounts: list[Tmpfs | Bind | SecretFile] = [*spec.tmpfs, *spec.binds, *spec.secrets]
    for one in sorted(mounts, key=lambda mount: len(Path(mount.target).parts)):
        match one:
            case Tmpfs():
                places.folder(one.target, mode=0o1777)
            case SecretFile():
                places.secret(one)
            case Bind(shared=True):
                places.cache(one.source, one.target)
            case Bind():
                places.tree(one.source, one.target)
    address = None if spec.network is None else spec.network.address
    hosts = places.file(HOSTS, hosts_text(address, spec.hostname, spec.hosts))
    with contextlib.suppress(FileNotFoundError):
        places.file(RESOLV_CONF, _HOST_RESOLV_CONF.read_text(errors="surrogateescape"))
    return hosts


def _clear(places: Places, hosts: Path, spec: ExecSpec) -> None:
    if spec.names is not None:
        spec.names.leave(hosts)
    places.clear()


def _config(spec: ExecSpec, tracer: Sequence[str]) -> Json:
    kept = {powers.number_of(name) for name in DEFAULT_CAPABILITIES}
    found = powers.available_capabilities()
    dropped = [number for number in map(powers.number_of, found) if number not in kept]
    env = dict(entry.split("=", 1) for entry in last_wins(spec.env))
    env.setdefault("HOME", spec.user.home)
    filtered = powers.is_filtered()
    return {
        "root": str(spec.root),
        "chroot": not tracer,
        "tracer": list(tracer),
        "argv": [*tracer, *spec.argv],
        "env": env,
        "cwd": spec.cwd,
        "uid": spec.user.uid,
        "gid": spec.user.gid,
        "groups": spec.user.all_groups,
        "dropped": dropped,
        # Where this place has a filter already, a second one would cost set-user-ID programs.
        "filter": None if filtered or tracer else default_filter().program,
        "no_new_privileges": "CAP_SYS_ADMIN" not in found,
        "pid_file": "pid",
    }
