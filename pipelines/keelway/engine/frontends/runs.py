"""`RUN`: the command, its mounts, and the variables that it sees."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from keelway.dockerfile.heredocs import parse_heredoc
from keelway.dockerfile.mounts import resolve_mount
from keelway.engine.frontends.settings import with_shell
from keelway.engine.graph import ops
from keelway.engine.graph.command import ExecOptions, Extras, with_exec
from keelway.engine.graph.container import Mount
from keelway.engine.graph.node import Node
from keelway.engine.graph.sockets import ExecSocket
from keelway.engine.graph.values import CacheVolume, Directory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.dockerfile.instructions import Run
    from keelway.dockerfile.mounts import RunMount
    from keelway.engine.frontends.stage import Build, StageState

PROXIES = tuple(
    name
    for upper in ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
    for name in (upper, upper.lower())
)
"""Build arguments that every command sees without an `ARG`."""
_SCRIPTS = "/dev/pipes"
_AGENT = "/run/buildkit/ssh_agent"
_SHARING = {
    "shared": ops.Sharing.SHARED,
    "private": ops.Sharing.PRIVATE,
    "locked": ops.Sharing.LOCKED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildCache(CacheVolume):
    """A cache of `RUN --mount=type=cache`: how one step shares it does not make it another."""

    @property
    def identity(self) -> str:
        """Return what tells one cache from another."""
        return repr(("dockerfile", self.key, self.owner, self.source))


@dataclass(slots=True)
class _Extras:
    """What one command gets beside the stage's root."""

    mounts: list[Mount]
    secrets: list[ops.ExecSecret]
    sockets: list[ExecSocket]


def run(state: StageState, instruction: Run, build: Build) -> StageState:
    """Return the stage as the command leaves it."""
    if instruction.devices:
        state.fail(
            f"RUN --device={instruction.devices[0]} is not supported by the local engine: it has "
            "no devices to give",
            instruction,
        )
    args, script = _command(state, instruction)
    extras = _Extras(mounts=[script] if script else [], secrets=[], sockets=[])
    expander = state.expander(build)
    for text in instruction.mounts:
        _add(state, instruction, resolve_mount(text, expander.word), build, extras)
    container = with_exec(
        state.container,
        args,
        ExecOptions(
            privileged=instruction.security == "insecure",
            init=build.request.init,
            network=instruction.network,
            name=state.step(instruction),
        ),
        Extras(
            mounts=extras.mounts,
            secrets=extras.secrets,
            sockets=extras.sockets,
            env=_variables(state, extras.sockets),
            proxies=[
                (name, build.build_args[name]) for name in PROXIES if name in build.build_args
            ],
        ),
    )
    return replace(state, container=container)


def _variables(state: StageState, agents: Sequence[ExecSocket]) -> list[tuple[str, str]]:
    """Return what a command sees beside `ENV`: declared arguments, and where an ssh agent is."""
    found = dict(state.args)
    if agents:
        found.setdefault("SSH_AUTH_SOCK", agents[0].path)
    known = {name for name, _ in state.config.env}
    return [pair for pair in found.items() if pair[0] not in known]


# --- the command -----------------------------------------------------------------------------


def _command(state: StageState, instruction: Run) -> tuple[tuple[str, ...], Mount | None]:
    """Return the words to run, and the mount of a script that has an interpreter of its own."""
    command = instruction.command
    if not command.heredocs:
        return with_shell(state, command), None
    first = command.heredocs[0]
    if parse_heredoc(command.words[0]) is None:
        # The shell reads the heredocs itself, as it does in any script.
        text = "\n".join(
            [command.words[0], *(f"{one.content}{one.name}" for one in command.heredocs)]
        )
        return with_shell(state, replace(command, words=(text,))), None
    if not first.text.startswith("#!"):
        return with_shell(state, replace(command, words=(first.text,))), None
    data = first.text.encode("utf-8", "surrogateescape")
    made = ops.NewFile(path=f"/{first.name}", contents=data, mode=0o755)
    tree = Node.of(made, Node.of(ops.Scratch()))
    mount = Mount(target=_SCRIPTS, kind="directory", node=tree, readonly=True)
    path = posixpath.join(_SCRIPTS, first.name)
    return with_shell(state, replace(command, words=(path,))), mount


# --- mounts ----------------------------------------------------------------------------------


def _add(
    state: StageState, instruction: Run, mount: RunMount, build: Build, extras: _Extras
) -> None:
    match mount.kind:
        case "secret":
            extras.secrets.extend(_secrets(state, instruction, mount, build))
        case "ssh":
            number = len(extras.sockets)
            extras.sockets.extend(_agent(state, instruction, mount, build, number))
        case "tmpfs":
            target = _target(state, instruction, mount)
            extras.mounts.append(Mount(target=target, kind="temp", size=mount.size_bytes))
        case "cache":
            extras.mounts.append(_cache(state, instruction, mount, build))
        case _:
            extras.mounts.append(_bind(state, instruction, mount, build))


def _target(state: StageState, instruction: Run, mount: RunMount) -> str:
    target = state.path(mount.target)
    if target == "/":
        state.fail(f'invalid mount target "{mount.target}": it is the root itself', instruction)
    return target


def _cache(state: StageState, instruction: Run, mount: RunMount, build: Build) -> Mount:
    owner = ""
    if mount.uid is not None or mount.gid is not None:
        owner = f"{mount.uid or 0}:{mount.gid or 0}"
    source = None
    if mount.from_:
        tree = build.tree_of(mount.from_, state, instruction.location)
        source = Directory(node=tree, path=_inside(mount.source))
    namespace = build.build_args.get("BUILDKIT_CACHE_MOUNT_NS", "")
    key = f"{namespace}/{mount.id}" if namespace else mount.id
    cache = BuildCache(key=key, owner=owner, sharing=_SHARING[mount.sharing], source=source)
    return Mount(
        target=_target(state, instruction, mount),
        kind="cache",
        cache=cache,
        readonly=mount.readonly,
        owner=owner,
        mode=mount.mode,
    )


def _inside(source: str) -> str:
    return posixpath.normpath("/" + source.lstrip("/"))


def _bind(state: StageState, instruction: Run, mount: RunMount, build: Build) -> Mount:
    path = _inside(mount.source)
    if mount.from_:
        tree = build.tree_of(mount.from_, state, instruction.location)
    else:
        tree = _context(path, build)
    kind = "directory"
    if path != "/":
        is_directory = build.surroundings.is_directory(tree, path)
        if is_directory is None:
            where = f'"{mount.from_}"' if mount.from_ else "the build context"
            state.fail(f'"{path}": not found in {where}', instruction)
        kind = "directory" if is_directory else "file"
    return Mount(
        target=_target(state, instruction, mount),
        kind=kind,
        node=tree,
        path=path,
        readonly=mount.readonly,
    )


def _context(path: str, build: Build) -> Node:
    """Return the build context without what the ignore file leaves out."""
    if not build.ignore:
        return build.context
    include = () if path == "/" else (path.lstrip("/"),)
    kept = ops.CopyTree(source="/", dest="/", include=include, exclude=build.ignore)
    return Node.of(kept, Node.of(ops.Scratch()), build.context)


# --- secrets ---------------------------------------------------------------------------------


def _secrets(
    state: StageState, instruction: Run, mount: RunMount, build: Build
) -> list[ops.ExecSecret]:
    given = {secret.name: secret for secret in build.request.secrets}
    secret = given.get(mount.id)
    if secret is None:
        if mount.required:
            why = "no secret mappings were provided" if not given else "it was not given"
            state.fail(f'secret "{mount.id}" is required but {why}', instruction)
        return []
    found: list[ops.ExecSecret] = []
    if mount.env:
        found.append(
            ops.ExecSecret(identity=secret.identity, handle=secret.handle, variable=mount.env)
        )
    if mount.target or not mount.env:
        target = mount.target or posixpath.join("/run/secrets", posixpath.basename(mount.id))
        found.append(
            ops.ExecSecret(
                identity=secret.identity,
                handle=secret.handle,
                path=state.path(target),
                owner=f"{mount.uid or 0}:{mount.gid or 0}",
                mode=0o400 if mount.mode is None else mount.mode,
            )
        )
    return found


def _agent(
    state: StageState, instruction: Run, mount: RunMount, build: Build, number: int
) -> list[ExecSocket]:
    """Return the ssh agent of a mount, none where none was given; `number` counts those before.

    There is one for all ids, as in Dagger. Which one it is does not count for the cache: what a
    command fetches with it is the same.
    """
    agent = build.request.ssh
    if agent is None:
        if mount.required:
            state.fail(
                f'no SSH key "{mount.id}" forwarded from the client: pass the socket of an '
                "ssh agent as dockerBuild(ssh)",
                instruction,
            )
        return []
    return [
        ExecSocket(
            path=state.path(mount.target or f"{_AGENT}.{number}"),
            identity=f"ssh:{mount.id}",
            source=agent.path,
            owner=f"{mount.uid or 0}:{mount.gid or 0}",
            mode=0o600 if mount.mode is None else mount.mode,
        )
    ]
