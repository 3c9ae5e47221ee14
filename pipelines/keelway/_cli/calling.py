"""Functions of a module, called in front of the user."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import dagger
import typer
from rich.console import Console

from keelway._cli import output
from keelway._cli.env import environment, terminal_form
from keelway._cli.stopping import run_until_stopped
from keelway._stage import failures_of
from keelway.calling.carrying import Caller, Result
from keelway.calling.failure import FunctionFailure
from keelway.calling.listening import LISTENER
from keelway.calling.loading import load_module
from keelway.calling.printing import functions_text, help_text, result_text
from keelway.calling.words import own_options, problem, understand
from keelway.errors import KeelwayError
from keelway.model.engine_choice import EngineChoice
from keelway.model.progress_form import ProgressForm
from keelway.report.terminal import open_terminal
from keelway.session import open_session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from enum import StrEnum
    from typing import TypeVar

    from keelway.calling.loading import LoadedModule
    from keelway.calling.words import Call
    from keelway.model.events import Observer

    Choice = TypeVar("Choice", bound=StrEnum)

_OUTPUT_MODE = 0o755


def show_functions(path: Sequence[str], given: str | None) -> None:
    """Print the functions of a module, or of what some of them give.

    Raises:
        ConfigError: There is no such module or function.
    """
    module = load_module(given, Path.cwd())
    call = understand([*path, "--help"], module.registry)
    if call.rest is None:
        last = call.steps[-1].function
        raise problem(
            call.steps, "", f"{last.returns} has no functions", f"call {last.command} as it is"
        )
    output.result(functions_text(call.rest))


def show_call(words: Sequence[str]) -> None:
    """Call functions and print what the last one gives.

    Raises:
        ConfigError: The words are no call of the module.
        KeelwayError: A function failed.
        Exit: A command that a function ran failed; its exit code is ours.
    """
    options = own_options(words)
    module = load_module(options.get("mod"), Path.cwd())
    call = understand(words, module.registry)
    if "help" in call.options or len(call.steps) == 1:
        output.result(help_text(call, module.doc))
        return
    engine = _choice(call, "engine", EngineChoice.AUTO)
    form = terminal_form(_choice(call, "progress", ProgressForm.AUTO))
    target = call.options.get("output")
    place = None if target is None else Path(target).absolute()
    try:
        with open_terminal(Console(stderr=True), form) as observer:
            result = run_until_stopped(
                partial(_carried, module, call, engine, observer, output_path=place)
            )
    except FunctionFailure as failure:
        raise failure.reason from failure
    except dagger.ExecError as failure:
        _tell(failure)
        raise typer.Exit(failure.exit_code) from failure
    _print(result, place, as_json="json" in call.options)


async def _carried(
    module: LoadedModule,
    call: Call,
    engine: EngineChoice,
    observer: Observer,
    *,
    output_path: Path | None,
) -> Result:
    LISTENER.set(observer)
    async with open_session(engine, observer, shared=True) as session:
        caller = Caller(dag=session.client, module=module, call=call, environ=environment())
        try:
            with failures_of("call", call.path.removeprefix("keelway ")):
                return await caller.result(output_path)
        except KeelwayError as error:
            # Commands that fail have an exit code of their own, and functions of keelway's too.
            if isinstance(error.__cause__, dagger.ExecError):
                raise error.__cause__ from None
            raise


def _choice(call: Call, name: str, otherwise: Choice) -> Choice:
    """Return what an option of the call chooses.

    Raises:
        ConfigError: There is no such choice.
    """
    kind = type(otherwise)
    given = call.options.get(name, otherwise.value)
    known = [one.value for one in kind]
    if given not in known:
        raise problem(
            (), f"--{name}", f"'{given}' is none of {', '.join(known)}", f"give --{name} one"
        )
    return kind(given)


def _tell(failure: dagger.ExecError) -> None:
    """Print what a command wrote before it failed."""
    for stream in (failure.stdout, failure.stderr):
        if stream.strip():
            output.notice(stream.rstrip())
    output.failure(f"{' '.join(failure.command)}\nexit code: {failure.exit_code}")


def _print(result: Result, place: Path | None, *, as_json: bool) -> None:
    if result.saved is not None:
        output.notice(f"saved to {result.saved}")
        return
    text = result_text(result.value, as_json=as_json)
    if place is not None:
        place.parent.mkdir(_OUTPUT_MODE, parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        output.notice(f"saved to {place}")
    output.raw(text)
