"""What a command sees: its mounts, its variables, its secrets, its network."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.graph import ops
from keelway.engine.run import certs, users
from keelway.engine.run.inroot import Root
from keelway.engine.run.prepare import Prepared as MadeForMounts
from keelway.engine.run.prepare import prepare
from keelway.engine.run.spec import Bind, ExecSpec, SecretFile, Tmpfs
from keelway.engine.solve.copying import Attributes, Copier, Everything
from keelway.engine.solve.devicenodes import take_out_devices
from keelway.engine.solve.inside import Inside
from keelway.engine.solve.nesting import nested_session
from keelway.engine.solve.sockets import relayed
from keelway.engine.solve.trees import real_path
from keelway.engine.store.space import disk_error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import ExitStack
    from pathlib import Path

    from keelway.engine.graph.node import Node
    from keelway.engine.run.executing import Executor, Running
    from keelway.engine.run.users import User
    from keelway.engine.solve.step import Step
    from keelway.engine.solve.views import Writing


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What differs between a command and a service."""

    hostname: str = "dagger"
    hosts: Mapping[str, str] = field(default_factory=dict[str, str])
    """Names that it finds others by: name -> address."""
    cancelled: Callable[[], bool] = lambda: False
    """Asked while waiting for a cache that somebody else has locked."""
    keeps: bool = True
    """What it writes is kept; a service's is thrown away."""


@dataclass(slots=True, kw_only=True)
class Surroundings:
    """A command's surroundings while it runs."""

    writing: Writing
    """Its root file system."""
    user: User
    binds: list[Bind] = field(default_factory=list)
    tmpfs: list[Tmpfs] = field(default_factory=list)
    secret_files: list[SecretFile] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    written: dict[int, Writing] = field(default_factory=dict)
    secrets: list[bytes] = field(default_factory=list)
    spec: ExecSpec = field(init=False)
    """All of it, as the runtime takes it."""
    inside: Inside | None = None
    """What the command has as its host, if it speaks to the session."""

    def start(self, runtime: Executor, stdin: bytes) -> Running:
        """Start the command."""
        process = runtime.start(self.spec, stdin=stdin)
        if self.inside is not None:
            self.inside.process = process
        return process


def surround(step: Step, op: ops.Exec, stack: ExitStack, place: Place) -> Surroundings:
    """Mount everything that a command sees; closing `stack` takes it away again.

    Raises:
        EngineError: Something is not there, or not where it can be mounted.
        Cancelled: The place said so while a cache was waited for.
    """
    writing = stack.enter_context(step.views.writing(step.inputs[0]))
    writing.discard = not place.keeps
    root = stack.enter_context(Root(writing.root))
    here = Surroundings(writing=writing, user=users.lookup(root, op.user))
    here.env.update(op.env)
    volumes = step.machine.store.volumes
    for identity in sorted(_locked(op)):  # one order for all: no two commands wait for each other
        stack.enter_context(volumes.lock(identity, cancelled=place.cancelled))
    for number, mount in enumerate(op.mounts, start=1):
        _mount(step, number, mount, here, root, stack, place)
    _give_secrets(step, op, root, here)
    here.binds += relayed(op.sockets, root, step.machine.runtime.shared_dir(writing.root), stack)
    here.spec = _spec(step, op, here, stack, place)
    made = _prepare(here.spec)
    for written in (writing, *here.written.values()):
        written.clean.append(functools.partial(made.clean, written.root))
        if op.privileged:
            lowers = step.views.lowers(written.base)
            written.clean.append(functools.partial(take_out_devices, lowers))
    writing.clean.append(certs.install(root).remove)
    return here


def check_locks(op: ops.Exec, nodes: Sequence[Node]) -> None:
    """Refuse a command that would wait without end for a cache that its own service holds.

    `nodes` are the command's inputs.

    Raises:
        EngineError: Both have the same cache to themselves.
    """
    mine = _locked(op)
    waiting = [nodes[binding.input] for binding in op.bindings]
    while mine and waiting:
        node = waiting.pop()
        if not isinstance(node.op, ops.Service):
            continue
        command = node.op.exec
        if mine & _locked(command):
            raise EngineError(
                f"{op.args[0]!r} and its service {command.args[0]!r} both lock the same cache, so "
                "neither could go on: mount it with sharing SHARED in both"
            )
        waiting += [node.inputs[binding.input] for binding in command.bindings]


def _locked(op: ops.Exec) -> set[str]:
    return {
        mount.cache
        for mount in op.mounts
        if mount.kind == "cache" and mount.sharing is not ops.Sharing.SHARED
    }


def _prepare(spec: ExecSpec) -> MadeForMounts:
    try:
        return prepare(spec)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise disk_error(error) or EngineError(
            f"cannot prepare {spec.argv[0]!r}: {error.filename}: {reason}"
        ) from error


def _mount(  # noqa: PLR0913, PLR0917 - what is mounted, where, and for how long
    step: Step,
    number: int,
    mount: ops.ExecMount,
    here: Surroundings,
    root: Root,
    stack: ExitStack,
    place: Place,
) -> None:
    match mount.kind:
        case "temp":
            here.tmpfs.append(Tmpfs(target=mount.target, size_bytes=mount.size or None))
        case "cache":
            here.binds.append(_cache(step, mount, root))
        case _:
            bind, writing = _tree(step, mount, stack)
            here.binds.append(bind)
            if writing is not None:
                writing.discard = mount.discard or not place.keeps
                if not mount.discard:
                    here.written[number] = writing


def _tree(step: Step, mount: ops.ExecMount, stack: ExitStack) -> tuple[Bind, Writing | None]:
    """Mount a directory or a file: the tree itself when read-only, else a layer on top of it."""
    snapshot = step.inputs[mount.input]
    writing = None
    if mount.readonly:
        path = stack.enter_context(step.views.shown(snapshot))
    else:
        writing = stack.enter_context(step.views.writing(snapshot))
        path = writing.root
    with Root(path) as tree:
        source = real_path(tree, mount.path)
    if (mount.kind == "file") == source.is_dir():
        kind, other = ("directory", "file") if source.is_dir() else ("file", "directory")
        raise EngineError(f"path {mount.path} is a {kind}, not a {other}")
    return Bind(source=source, target=mount.target, readonly=mount.readonly), writing


def _cache(step: Step, mount: ops.ExecMount, root: Root) -> Bind:
    owner = users.lookup(root, mount.owner, fallback_gid="same") if mount.owner else None

    def fill(folder: Path) -> None:
        """Give a fresh volume its first contents, its owner and its mode."""
        attributes = Attributes(owner=(owner.uid, owner.gid) if owner else None)
        if mount.input >= 0:
            with (
                step.views.reading(step.inputs[mount.input]) as tree,
                Root(tree) as seed,
                Root(folder) as dest,
            ):
                Copier(dest, attributes).tree(real_path(seed, mount.path), "/", Everything())
        folder.chmod(0o755 if mount.mode is None else mount.mode)
        if owner is not None:
            os.chown(folder, owner.uid, owner.gid)

    path = step.machine.store.volumes.seed(mount.cache, fill)
    return Bind(source=path, target=mount.target, readonly=mount.readonly, shared=True)


def _give_secrets(step: Step, op: ops.Exec, root: Root, here: Surroundings) -> None:
    for name, value in (*_host_proxies(), *op.proxies):
        here.env.setdefault(name, value)
    for name, _ in op.volatile:
        newest = step.machine.volatile(name)
        if newest is not None:
            here.env[name] = newest
    for secret in op.secrets:
        value_bytes = step.machine.secret(secret.handle)
        here.secrets.append(value_bytes)
        if secret.variable:
            here.env[secret.variable] = os.fsdecode(value_bytes)
            continue
        owner = users.lookup(root, secret.owner or "0", fallback_gid="same")
        here.secret_files.append(
            SecretFile(
                target=secret.path,
                data=value_bytes,
                uid=owner.uid,
                gid=owner.gid,
                mode=secret.mode,
            )
        )


def _host_proxies() -> list[tuple[str, str]]:
    """Return how the engine itself is told to reach the network: commands are told the same."""
    upper = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
    names = [form for name in upper for form in (name, name.lower())]
    return [(name, os.environ[name]) for name in names if name in os.environ]


def _spec(step: Step, op: ops.Exec, here: Surroundings, stack: ExitStack, place: Place) -> ExecSpec:
    network = step.machine.network
    if any("\0" in text for text in (*op.args, *here.env, *here.env.values())):
        raise EngineError(
            f"cannot run {op.args[0]!r}: invalid argument: words and variables of a command "
            "have no NUL characters"
        )
    here.env.setdefault("HOME", here.user.home)  # a runtime may leave a user without an entry alone
    endpoint = None
    if op.network != "none":
        endpoint = network.attach()
        stack.callback(network.release, endpoint, reuse=not op.privileged)
        if op.nesting:
            here.inside = Inside(
                store=step.machine.store,
                runtime=step.machine.runtime,
                env=here.env,
                cwd=op.cwd,
                user=here.user,
            )
            here.env |= nested_session(step.machine, endpoint, here.inside, stack)
    return ExecSpec(
        root=here.writing.root,
        argv=list(op.args),
        env=[f"{name}={value}" for name, value in here.env.items()],
        cwd=op.cwd,
        user=here.user,
        hostname=place.hostname,
        binds=here.binds,
        tmpfs=here.tmpfs,
        secrets=here.secret_files,
        network=endpoint,
        hosts=place.hosts,
        names=None if endpoint is None else network.names,
        init=op.init,
        privileged=op.privileged,
        platform=op.platform,
    )
