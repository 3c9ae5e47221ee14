"""The words of a call, understood: which functions, one after the other, with which arguments.

The form is that of `dagger call`: a function's arguments are flags behind its name, and behind them
comes the next function, of whatever the one before gives. `--name=value` and `--name value` are the
same, lists are given by commas or by repeating the flag, and a flag alone stands for true.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keelway.calling.client_types import client_type, is_writable
from keelway.calling.described import Kind
from keelway.calling.naming import closest, kebab
from keelway.calling.types import is_of_module
from keelway.errors import ConfigError, ConfigProblem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from keelway.calling.described import Argument, Described, Function, TypeOf
    from keelway.calling.registry import Registry

COMMAND = "keelway call"

_SHORT = {"-m": "mod", "-o": "output", "-j": "json", "-h": "help"}
_TOGGLES = frozenset({"json", "help"})
_OPTIONS = frozenset({"mod", "output", "json", "help", "engine", "progress"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A function that is called."""

    function: Function
    owner: str
    """The type that it is a function of."""
    given: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """Arguments as they were written, by the API's names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A whole call; the constructor of the module's main object is its first step."""

    steps: tuple[Step, ...]
    rest: Described | None
    """What the last step gives, where that has functions."""
    options: dict[str, str]
    """`mod`, `output`, `json`, `help`, `engine` and `progress`, as far as they were given."""

    @property
    def path(self) -> str:
        """The call as far as it is understood, without arguments."""
        return path_of(self.steps)


def path_of(steps: Sequence[Step]) -> str:
    """Return a command as it is typed, without arguments."""
    return " ".join([COMMAND, *(step.function.command for step in steps if step.function.name)])


def own_options(words: Sequence[str]) -> dict[str, str]:
    """Return what is said of the call itself, whichever module it is for.

    Raises:
        ConfigError: An option lacks its value.
    """
    found: dict[str, str] = {}
    waiting = iter(words)
    for word in waiting:
        name, separator, value = _split(word)
        if name not in _OPTIONS:
            continue
        found[name] = _value(name, separator, value, waiting)
    return found


def understand(words: Sequence[str], registry: Registry) -> Call:
    """Return the call that the words stand for.

    Args:
        words: What stands behind `keelway call`.
        registry: The module's functions.

    Raises:
        ConfigError: There is no such function or argument, or one is missing.
    """
    main = registry.object(registry.main)
    steps = [Step(function=registry.constructor(), owner=main.name)]
    rest: Described | None = main
    options: dict[str, str] = {}
    waiting = iter(words)
    for word in waiting:
        if word.startswith("-") and word != "-":
            _take(word, waiting, steps, options)
            continue
        function = _function(word, rest, steps)
        steps.append(Step(function=function, owner=rest.name if rest else ""))
        rest = functions_of(function.returns, registry)
    if "help" not in options:
        _must_be_whole(steps)
    return Call(steps=tuple(steps), rest=rest, options=options)


def functions_of(known: TypeOf, registry: Registry) -> Described | None:
    """Return what has the functions of a value of this type; nothing for plain values and lists."""
    if known.kind is not Kind.OBJECT:
        return None
    if is_of_module(known.hint):
        return registry.object(known.hint.__name__)
    return client_type(known.hint)


def _take(
    word: str, waiting: Iterator[str], steps: Sequence[Step], options: dict[str, str]
) -> None:
    """Take in one flag."""
    step = steps[-1]
    name, separator, value = _split(word)
    argument = next((one for one in step.function.arguments if one.flag == name), None)
    if argument is None and name in _OPTIONS:
        options[name] = _value(name, separator, value, waiting)
        return
    if argument is None or not is_writable(argument.type):
        raise _unknown_flag(name, argument, steps)
    if not separator and argument.type.kind is Kind.BOOLEAN:
        value, separator = "true", "="
    if not separator:
        value = next(waiting, None) or ""
        if not value:
            raise problem(steps, f"--{name}", "its value is missing", f"write --{name}=VALUE")
    written = step.given.setdefault(argument.name, [])
    if argument.type.kind is not Kind.LIST:
        written.clear()
    written.append(value)


def _split(word: str) -> tuple[str, str, str]:
    """Return name, separator and value of a flag; names may be written in any case."""
    name, separator, value = word.partition("=")
    if not name.startswith("--"):
        short = name[:2]
        if short in _SHORT and len(name) > len(short) and _SHORT[short] not in _TOGGLES:
            return _SHORT[short], "=", word[2:].removeprefix("=")
        return _SHORT.get(name, name), separator, value
    return kebab(name.removeprefix("--")), separator, value


def _value(name: str, separator: str, value: str, waiting: Iterator[str]) -> str:
    if separator:
        return value
    if name in _TOGGLES:
        return "true"
    following = next(waiting, None)
    if following is None:
        raise problem((), f"--{name}", "its value is missing", f"write --{name}=VALUE")
    return following


def _function(word: str, rest: Described | None, steps: Sequence[Step]) -> Function:
    if rest is None:
        last = steps[-1].function
        raise problem(
            steps,
            "",
            f"'{word}' cannot follow: {last.command} gives {last.returns}, which has no functions",
            "leave it out",
        )
    found = rest.functions.get(word) or rest.functions.get(kebab(word))
    if found is None:
        raise problem(
            steps,
            "",
            f"{rest.name} has no function '{word}'",
            f"`{path_of(steps)} --help` lists what there is",
            closest(kebab(word), rest.functions),
        )
    return found


def _unknown_flag(name: str, argument: Argument | None, steps: Sequence[Step]) -> ConfigError:
    function = steps[-1].function
    what = function.command or "the module"
    if argument is not None:
        text = f"{argument.type} cannot be written on a command line"
        return problem(steps, f"--{name}", text, "call the function from a program")
    known = [*(one.flag for one in function.arguments), *_OPTIONS]
    close = closest(name, known)
    hint = f"--{close}" if close else None
    next_step = f"`{path_of(steps)} --help` lists the arguments"
    return problem(steps, f"--{name.lstrip('-')}", f"{what} has no such argument", next_step, hint)


def _must_be_whole(steps: Sequence[Step]) -> None:
    """Look that no argument is missing.

    Raises:
        ConfigError: One is.
    """
    for place, step in enumerate(steps):
        for argument in step.function.arguments:
            if argument.required and argument.name not in step.given:
                text = f"the argument is missing ({argument.type})"
                doc = argument.doc.partition("\n")[0]
                next_step = f"give --{argument.flag}: {doc}" if doc else f"give --{argument.flag}"
                raise problem(steps[: place + 1], f"--{argument.flag}", text, next_step)


def problem(
    steps: Sequence[Step], key: str, text: str, next_step: str, suggestion: str | None = None
) -> ConfigError:
    """Return the error about a word of a call."""
    said = ConfigProblem(file=path_of(steps), line=None, key=key, text=text, suggestion=suggestion)
    return ConfigError([said], next_step=next_step)
