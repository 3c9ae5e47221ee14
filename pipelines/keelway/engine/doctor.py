"""What this machine has for the engine, and what it lacks: tried, not guessed.

The sandbox is entered, an overlay is mounted on the store's file system and a container runtime
runs a command; a missing program is named with the Debian package that brings it.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.policy import describe
from keelway.engine.run.isolation import chroot_reason
from keelway.engine.schema.client import find_client, version_of
from keelway.engine.startup import Startup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from keelway.engine.run.enter import Sandbox
    from keelway.engine.settings import Settings

_SECOND_CLASS = (
    "chroot only, so commands are hardly isolated from each other and from this container; it is "
    "so since {}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str
    needed: bool = True
    remedy: str = ""

    def __str__(self) -> str:
        mark = "ok     " if self.ok else "MISSING" if self.needed else "absent "
        remedy = f"\n        -> {self.remedy}" if self.remedy and not self.ok else ""
        return f"{mark} {self.name}: {self.detail}{remedy}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A program that the engine starts."""

    programs: tuple[str, ...]
    package: str
    purpose: str
    needed: bool = True

    def check(self) -> Check:
        """Look for the program on the PATH; any of several names is enough."""
        found = next(filter(None, map(shutil.which, self.programs)), None)
        return Check(
            name=self.programs[0],
            ok=found is not None,
            detail=f"{found} ({self.purpose})" if found else self.purpose,
            needed=self.needed,
            remedy=f"apt-get install {self.package}",
        )


TOOLS = (
    Tool(programs=("crun", "runc"), package="crun", purpose="runs commands in containers"),
    Tool(programs=("skopeo",), package="skopeo", purpose="moves images to and from registries"),
    Tool(
        programs=("slirp4netns",),
        package="slirp4netns",
        purpose="lets containers reach the outside",
        needed=False,
    ),
    Tool(programs=("git",), package="git", purpose="fetches repositories", needed=False),
    Tool(programs=("ssh",), package="openssh-client", purpose="git by ssh", needed=False),
    Tool(
        programs=("qemu-aarch64-static", "qemu-x86_64-static"),
        package="qemu-user-static",
        purpose="runs programs of other platforms",
        needed=False,
    ),
    Tool(programs=("zstd",), package="zstd", purpose="layers compressed by zstd", needed=False),
)
_ROOTLESS = Tool(
    programs=("newuidmap",), package="uidmap", purpose="maps the ids of an ordinary user"
)
_PROOT = Tool(
    programs=("proot",),
    package="proot",
    purpose="gives commands /proc where nothing can be mounted",
    needed=False,
)
_FOR_NAMESPACES = {"crun", "slirp4netns"}


def examine(settings: Settings) -> Iterator[Check]:
    """Yield what was found, the cheap things first. The process must have one thread."""
    yield _sdk()
    chroot = chroot_reason(settings.isolation) is not None
    for tool in _tools(chroot=chroot):
        yield tool.check()
    try:
        settings.check_store()
    except EngineError as error:
        yield Check(name="store", ok=False, detail=str(error))
        return
    yield Check(name="store", ok=True, detail=str(settings.store))
    yield Check(name="budget", ok=True, detail=describe(settings.gc, settings.store), needed=False)
    yield from _inside(settings)


def _tools(*, chroot: bool) -> tuple[Tool, ...]:
    if chroot:
        return (*(tool for tool in TOOLS if tool.programs[0] not in _FOR_NAMESPACES), _PROOT)
    return TOOLS if os.geteuid() == 0 else (*TOOLS, _ROOTLESS)


def _sdk() -> Check:
    try:
        client = find_client()
    except EngineError as error:
        return Check(name="dagger-io", ok=False, detail=str(error))
    return Check(name="dagger-io", ok=True, detail=f"{version_of(client)} at {client.parents[1]}")


def _inside(settings: Settings) -> Iterator[Check]:
    """Yield what was found in a sandbox, which is entered by a process of its own."""
    out, into = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(out)
            _write(into, _enter(settings))
        finally:
            os._exit(0)
    os.close(into)
    with os.fdopen(out) as answer:
        text = answer.read()
    os.waitpid(pid, 0)
    if not text:
        yield Check(name="sandbox", ok=False, detail="its process ended; see what it said")
        return
    for check in json.loads(text):
        yield Check(**check)


def _write(descriptor: int, checks: list[Check]) -> None:
    with os.fdopen(descriptor, "w") as answer:
        json.dump([asdict(check) for check in checks], answer)


def _enter(settings: Settings) -> list[Check]:
    from keelway.engine.run.isolation import enter  # noqa: PLC0415 - for this command only

    out, into = os.pipe()
    startup = Startup(quiet=True)

    def child(sandbox: Sandbox) -> int:
        if sandbox.isolation == "chroot":
            checks = [
                Check(name="sandbox", ok=True, detail=_SECOND_CLASS.format(sandbox.reason)),
                _try("runtime", lambda: _run_chroot(sandbox, settings.proc)),
            ]
        else:
            checks = [
                Check(name="sandbox", ok=True, detail="own namespaces can be made"),
                _try("overlay", lambda: _mount(settings.store)),
                _try("runtime", lambda: _run(sandbox)),
                _try("network", lambda: _connect(sandbox), needed=False),
            ]
        _write(into, checks)
        startup.ready()
        return 0

    try:
        code = enter(settings.isolation, child)
    except EngineError as error:
        return [Check(name="sandbox", ok=False, detail=str(error))]
    finally:
        os.close(into)
    reason = startup.failure(code)
    if reason is not None:
        return [Check(name="sandbox", ok=False, detail=reason)]
    with os.fdopen(out) as answer:
        return [Check(**check) for check in json.load(answer)]


def _try(name: str, work: Callable[[], str], *, needed: bool = True) -> Check:
    try:
        return Check(name=name, ok=True, detail=work(), needed=needed)
    except (EngineError, OSError) as error:
        return Check(name=name, ok=False, detail=str(error), needed=needed)


def _mount(store: Path) -> str:
    from keelway.engine.run.stacking import demand_stacking  # noqa: PLC0415 - for this command only

    with tempfile.TemporaryDirectory(dir=store, prefix=".doctor-") as name:
        demand_stacking(Path(name))
    return "layers can be stacked on the store's file system"


def _connect(sandbox: Sandbox) -> str:
    from keelway.engine.run.network import Network  # noqa: PLC0415 - for this command only

    network = Network(sandbox.state_dir)
    try:
        return f"containers reach the outside by {network.way_out()}"
    finally:
        network.close()


def _run_chroot(sandbox: Sandbox, proc: str) -> str:
    from keelway.engine.run.chroot_runtime import ChrootRuntime  # noqa: PLC0415 - likewise

    ChrootRuntime.probe(sandbox.state_dir, proc)
    return "commands can be run by chroot"


def _run(sandbox: Sandbox) -> str:
    from keelway.engine.run.runtime import Runtime  # noqa: PLC0415 - for this command only

    runtime = Runtime.probe(sandbox.state_dir)
    try:
        return f"{runtime.name} runs commands"
    finally:
        runtime.close()
