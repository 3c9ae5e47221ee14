"""Which function applies which instruction to a stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.dockerfile import instructions as found
from keelway.engine.frontends import settings
from keelway.engine.frontends.copies import copy
from keelway.engine.frontends.runs import run

if TYPE_CHECKING:
    from keelway.engine.frontends.stage import Build, StageState


def apply(state: StageState, instruction: found.Instruction, build: Build) -> StageState:
    """Return the stage after an instruction.

    Raises:
        DockerfileError: The instruction can't be applied; the error has its line.
    """
    return state.reading(instruction, lambda: _applied(state, instruction, build))


def _applied(  # noqa: C901, PLR0911, PLR0912 - one line an instruction
    state: StageState, instruction: found.Instruction, build: Build
) -> StageState:
    match instruction:
        case found.Run():
            return run(state, instruction, build)
        case found.Copy() | found.Add():
            return copy(state, instruction, build)
        case found.Arg():
            return settings.set_args(state, instruction, build)
        case found.Env():
            return settings.set_env(state, instruction, build)
        case found.Label():
            return settings.set_labels(state, instruction, build)
        case found.Expose():
            return settings.expose(state, instruction, build)
        case found.Healthcheck():
            return settings.set_healthcheck(state, instruction)
        case found.Shell():
            return settings.set_shell(state, instruction)
        case found.Volume():
            return settings.add_volumes(state, instruction, build)
        case found.User():
            return settings.set_user(state, instruction, build)
        case found.Workdir():
            return settings.set_workdir(state, instruction, build)
        case found.StopSignal():
            return settings.set_stop_signal(state, instruction, build)
        case found.Cmd():
            return settings.set_cmd(state, instruction)
        case found.Entrypoint():
            return settings.set_entrypoint(state, instruction)
        case found.OnBuild():
            return settings.add_trigger(state, instruction)
        case found.Maintainer():
            # The author is no part of a container, neither here nor in Dagger's own engine.
            return state
        case found.From():
            return state.fail("FROM begins a stage and is no instruction of one", instruction)
