"""Commands in a container: what `withExec` takes, as a node of the graph."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from keelway.engine.graph.container import DEFAULT_PATH, absolute, with_pair
from keelway.engine.graph.node import Node
from keelway.engine.graph.ops import Binding, Exec, ExecMount, Expect, Output, Sharing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.engine.graph.container import Container, Mount
    from keelway.engine.graph.ops import ExecSecret
    from keelway.engine.graph.sockets import ExecSocket


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecOptions:
    """What `withExec` takes beside the command."""

    stdin: str = ""
    redirect_stdin: str = ""
    redirect_stdout: str = ""
    redirect_stderr: str = ""
    expect: Expect = Expect.SUCCESS
    privileged: bool = False
    nesting: bool = False
    init: bool = True
    network: str = "default"
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """What is there for one command only (`RUN --mount`, build arguments).

    What the command writes to these mounts is thrown away, a cache's contents aside.
    """

    mounts: Sequence[Mount] = ()
    secrets: Sequence[ExecSecret] = ()
    sockets: Sequence[ExecSocket] = ()
    env: Sequence[tuple[str, str]] = ()
    proxies: Sequence[tuple[str, str]] = ()
    """Variables that the command sees and the cache does not."""


def exec_env(container: Container) -> tuple[tuple[str, str], ...]:
    """Return what a command's environment starts from: the configuration's, and a `PATH`."""
    env = container.config.env
    return env if any(name == "PATH" for name, _ in env) else (*env, ("PATH", DEFAULT_PATH))


def command_node(
    container: Container,
    args: Sequence[str],
    options: ExecOptions = ExecOptions(),
    extras: Extras = Extras(),
) -> Node:
    """Return a command in the container as a node, with all that it sees."""
    inputs: list[Node] = [container.tree]
    mounts: list[ExecMount] = []
    for mount in (*container.mounts, *extras.mounts):
        extra = len(mounts) >= len(container.mounts)
        mounts.append(_exec_mount(mount, inputs, discard=extra))
    bindings = tuple(
        Binding(alias=alias, input=len(inputs) + number)
        for number, (alias, _) in enumerate(container.services)
    )
    inputs += [service for _, service in container.services]
    env = exec_env(container)
    for name, value in extras.env:
        env = with_pair(env, name, value)
    return Node.of(
        Exec(
            args=tuple(args),
            env=env,
            cwd=absolute(container, "."),
            user=container.config.user,
            platform=container.platform,
            mounts=tuple(mounts),
            secrets=(*container.secrets, *extras.secrets),
            sockets=(*container.sockets, *extras.sockets),
            bindings=bindings,
            stdin=options.stdin,
            redirect_stdin=options.redirect_stdin,
            redirect_stdout=options.redirect_stdout,
            redirect_stderr=options.redirect_stderr,
            expect=options.expect,
            privileged=options.privileged,
            nesting=options.nesting,
            init=options.init,
            network=options.network,
            volatile=container.volatile,
            proxies=tuple(extras.proxies),
            name=options.name,
        ),
        *inputs,
    )


def with_exec(
    container: Container,
    args: Sequence[str],
    options: ExecOptions = ExecOptions(),
    extras: Extras = Extras(),
) -> Container:
    """Return the container as `args` leaves it: a new root file system and new mounts."""
    node = command_node(container, args, options, extras)
    after = tuple(
        replace(mount, node=Node.of(Output(index=number), node)) if _is_kept(mount) else mount
        for number, mount in enumerate(container.mounts, start=1)
    )
    return replace(container, root=Node.of(Output(index=0), node), mounts=after, exec=node)


def _is_kept(mount: Mount) -> bool:
    return mount.node is not None and not mount.readonly and mount.kind in {"directory", "file"}


def _exec_mount(mount: Mount, inputs: list[Node], *, discard: bool) -> ExecMount:
    """Return the mount as an exec has it; what it mounts is added to the exec's inputs."""
    node = mount.node
    path = mount.path
    if mount.cache is not None and mount.cache.source is not None:
        node, path = mount.cache.source.node, mount.cache.source.path
    number = -1
    if node is not None:
        number = len(inputs)
        inputs.append(node)
    return ExecMount(
        target=mount.target,
        kind=mount.kind,
        input=number,
        path=path,
        readonly=mount.readonly,
        cache="" if mount.cache is None else mount.cache.identity,
        sharing=Sharing.SHARED if mount.cache is None else mount.cache.sharing,
        size=mount.size,
        owner=mount.owner,
        mode=mount.mode,
        discard=discard,
    )
