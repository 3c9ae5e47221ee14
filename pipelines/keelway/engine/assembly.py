"""One session put together: the store, the kernel's side, and the resolvers."""

from __future__ import annotations

import importlib
import shutil
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.progress import Progress
from keelway.engine.solve.machine import EVERYWHERE, LOOPBACK, Isolation
from keelway.engine.store.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from keelway.engine.run.enter import Sandbox
    from keelway.engine.run.executing import Executor
    from keelway.engine.run.terminal import Terminal
    from keelway.engine.schema.clients import Clients
    from keelway.engine.schema.registry import Resolvers
    from keelway.engine.schema.session import Session
    from keelway.engine.settings import Settings
    from keelway.engine.store.clientwire import ClientWire

_TURN_S = 0.0005


def assemble(
    settings: Settings,
    workdir: Path,
    sandbox: Sandbox,
    clients: Clients,
    terminal: Terminal | None,
    wire: ClientWire | None = None,
) -> tuple[Resolvers, Session]:
    """Return what answers the queries of one session; the session's `close` ends all of it.

    Raises:
        EngineError: The store can't be used or layers can't be stacked there, or no container
            runtime works here.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="probe") as beside:
        probed = (  # runs a command meanwhile
            beside.submit(_chroot, sandbox, settings)
            if sandbox.isolation == "chroot"
            else beside.submit(_namespaces, sandbox)
        )
        from keelway.engine.schema.resolvers import RESOLVERS  # noqa: PLC0415 - beside the probe
        from keelway.engine.schema.session import Session  # noqa: PLC0415 - likewise

        store = Store.open(settings.store)
        if sandbox.isolation == "namespace":
            _check_overlay(store)
        store.keep_budget(settings.gc)
        store.work_for(settings.pipeline)
        runtime = probed.result()
    progress = Progress.on(sys.stderr, settings.progress)
    progress.guard_stderr()
    session = Session(
        store=store,
        isolation=_isolation(store, runtime, sandbox),
        progress=progress,
        clients=clients,
        terminal=terminal,
        workdir=workdir,
        epoch=settings.epoch,
        tunnels=LOOPBACK if settings.tunnels == "loopback" else EVERYWHERE,
    )
    if wire is not None:
        store.host.ask(wire)
    threading.Thread(target=_import_front_end, name="front end", daemon=True).start()
    return RESOLVERS, session


def _import_front_end() -> None:
    """Import what builds Dockerfiles, which takes longer than a build with everything cached.

    Other queries run meanwhile; so that none waits for it, threads take turns more often.
    """
    usual = sys.getswitchinterval()
    sys.setswitchinterval(_TURN_S)
    try:
        importlib.import_module("keelway.engine.frontends.dockerfile")
    finally:
        sys.setswitchinterval(usual)


# The two isolations; docs/adr/0007 tells what they share, and what the second one lacks.


def _check_overlay(store: Store) -> None:
    from keelway.engine.run.stacking import demand_stacking  # noqa: PLC0415 - where mounts are

    work = store.new_work("check")
    try:
        demand_stacking(work)
    except EngineError:
        store.close()
        raise
    store.discard(work)


def _namespaces(sandbox: Sandbox) -> Executor:
    from keelway.engine.run.runtime import Runtime  # noqa: PLC0415 - for this isolation only

    return Runtime.probe(sandbox.state_dir)


def _chroot(sandbox: Sandbox, settings: Settings) -> Executor:
    from keelway.engine.run.chroot_enter import warn  # noqa: PLC0415 - for this isolation only
    from keelway.engine.run.chroot_runtime import ChrootRuntime  # noqa: PLC0415 - likewise

    warn(sandbox, settings.proc)
    if shutil.which("proot"):
        # It walks to a command's root as the command's user, and runs emulated programs in any
        # case. What is below has random names.
        settings.store.chmod(0o711)
    return ChrootRuntime.probe(sandbox.state_dir, settings.proc)


def _isolation(store: Store, runtime: Executor, sandbox: Sandbox) -> Isolation:
    if sandbox.isolation == "chroot":
        from keelway.engine.run.chroot_network import Loopbacks  # noqa: PLC0415 - likewise
        from keelway.engine.solve.copied import Copies  # noqa: PLC0415 - likewise

        return Isolation(runtime=runtime, network=Loopbacks(), snapshotter=Copies(store))
    from keelway.engine.run.network import Network  # noqa: PLC0415 - likewise
    from keelway.engine.solve.snapshotter import Overlays  # noqa: PLC0415 - likewise

    network = Network(sandbox.state_dir)
    return Isolation(runtime=runtime, network=network, snapshotter=Overlays())
