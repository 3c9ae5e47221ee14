"""The instructions that change an image's configuration and nothing else, `WORKDIR` aside."""

from __future__ import annotations

import re
import signal
from dataclasses import replace
from typing import TYPE_CHECKING

from keelway.dockerfile.errors import SyntaxProblem
from keelway.dockerfile.ports import parse_ports
from keelway.engine.graph import ops, values
from keelway.engine.graph.container import with_pair
from keelway.engine.graph.node import Node

if TYPE_CHECKING:
    from keelway.dockerfile.instructions import (
        Arg,
        Cmd,
        Command,
        Entrypoint,
        Env,
        Expose,
        Healthcheck,
        Label,
        OnBuild,
        Shell,
        StopSignal,
        User,
        Volume,
        Workdir,
    )
    from keelway.engine.frontends.stage import Build, StageState

DEFAULT_SHELL = ("/bin/sh", "-c")
_REAL_TIME = re.compile(r"RT(MIN\+|MAX-)\d+\Z")


def set_args(state: StageState, arg: Arg, build: Build) -> StageState:
    """Declare arguments: given ones win, then the default here, then the global one."""
    expander = state.expander(build)
    args = dict(state.args)
    for argument in arg.arguments:
        name = expander.word(argument.name)
        default = None if argument.default is None else expander.word(argument.default)
        if default is None:
            default = build.global_args.get(name)
        value = build.build_args.get(name, default)
        if value is not None:
            args[name] = value
    return replace(state, args=args)


def set_env(state: StageState, env: Env, build: Build) -> StageState:
    """Set variables; all of one instruction see the values from before it."""
    expander = state.expander(build)
    pairs = state.config.env
    for pair in env.pairs:
        pairs = with_pair(pairs, expander.word(pair.name), expander.word(pair.value))
    return state.with_config(replace(state.config, env=pairs))


def set_labels(state: StageState, label: Label, build: Build) -> StageState:
    """Set labels."""
    expander = state.expander(build)
    pairs = state.config.labels
    for pair in label.pairs:
        pairs = with_pair(pairs, expander.word(pair.name), expander.word(pair.value))
    return state.with_config(replace(state.config, labels=pairs))


def expose(state: StageState, instruction: Expose, build: Build) -> StageState:
    """Add ports, which say something about the image and open nothing."""
    expander = state.expander(build)
    ports = {(port.port, port.protocol): port for port in state.container.ports}
    for text in instruction.ports:
        for word in expander.words(text):
            for number, protocol in parse_ports(word):
                port = values.Port(port=number, protocol=protocol.upper(), service=False)
                ports.setdefault((number, port.protocol), port)
    return replace(state, container=replace(state.container, ports=tuple(ports.values())))


def set_healthcheck(state: StageState, check: Healthcheck) -> StageState:
    """Set or switch off the health check."""
    found = values.Healthcheck(args=("NONE",))
    if check.command is not None:
        found = values.Healthcheck(
            args=check.command.words,
            shell=check.command.is_shell,
            interval=check.interval,
            timeout=check.timeout,
            start_period=check.start_period,
            start_interval=check.start_interval,
            retries=check.retries,
        )
    return state.with_config(replace(state.config, healthcheck=found))


def set_shell(state: StageState, shell: Shell) -> StageState:
    """Set what shell forms are wrapped in."""
    return state.with_config(replace(state.config, shell=shell.words))


def add_volumes(state: StageState, volume: Volume, build: Build) -> StageState:
    """Add volumes."""
    expander = state.expander(build)
    found = dict.fromkeys(state.config.volumes)
    for path in volume.paths:
        word = expander.word(path)
        if not word:
            raise SyntaxProblem("VOLUME specified can not be an empty string")
        found[word] = None
    return state.with_config(replace(state.config, volumes=tuple(found)))


def set_user(state: StageState, user: User, build: Build) -> StageState:
    """Set the user of later commands."""
    return state.with_config(replace(state.config, user=state.expander(build).word(user.user)))


def set_workdir(state: StageState, workdir: Workdir, build: Build) -> StageState:
    """Set the working directory; one that is missing is made, and is the current user's."""
    word = state.expander(build).word(workdir.path)
    if not word:
        raise SyntaxProblem("WORKDIR requires a path, and this one is empty")
    path = state.path(word)
    state = state.with_config(replace(state.config, workdir=path))
    if path == "/":
        return state
    made = ops.NewDirectory(path=path, mode=0o755, owner=state.config.user)
    root = Node.of(made, state.container.tree)
    return replace(state, container=replace(state.container, root=root))


def set_stop_signal(state: StageState, stop: StopSignal, build: Build) -> StageState:
    """Set the signal that asks the container's command to end."""
    word = state.expander(build).word(stop.signal)
    if not _is_signal(word):
        raise SyntaxProblem(f"invalid signal: {word}: use a name like SIGTERM or a number")
    return state.with_config(replace(state.config, stop_signal=word))


def _is_signal(text: str) -> bool:
    if text.isdigit():
        return 0 < int(text) < signal.NSIG
    name = text.upper().removeprefix("SIG")
    return f"SIG{name}" in signal.Signals.__members__ or bool(_REAL_TIME.match(name))


def with_shell(state: StageState, command: Command) -> tuple[str, ...]:
    """Return a command's words, a shell form's behind the stage's shell."""
    if not command.is_shell:
        return command.words
    return (*(state.config.shell or DEFAULT_SHELL), *command.words)


def set_cmd(state: StageState, cmd: Cmd) -> StageState:
    """Set the default command, or the entrypoint's default arguments."""
    state = state.with_config(replace(state.config, cmd=with_shell(state, cmd.command)))
    return replace(state, cmd_set=True)


def set_entrypoint(state: StageState, entrypoint: Entrypoint) -> StageState:
    """Set the entrypoint; a `CMD` of the base image makes no sense with it and goes."""
    command = entrypoint.command
    words = with_shell(state, command) if command.words else None
    config = replace(state.config, entrypoint=words)
    return state.with_config(config if state.cmd_set else replace(config, cmd=None))


def add_trigger(state: StageState, trigger: OnBuild) -> StageState:
    """Keep an instruction for builds that start from this image."""
    triggers = (*state.config.on_build, trigger.expression)
    return state.with_config(replace(state.config, on_build=triggers))
