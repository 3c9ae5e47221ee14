"""What a call prints: its result, the functions there are, and the help of one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from keelway.calling.carrying import Shown
from keelway.calling.client_types import is_writable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from keelway.calling.described import Argument, Described
    from keelway.calling.words import Call

_OPTIONS = (
    ("-m, --mod", "The module's folder; ./ci if that holds one, else keelway's own functions."),
    ("-o, --output", "Save the result to a file or a directory."),
    ("-j, --json", "Print the result as JSON."),
    ("--engine", "What does the work: auto, local or dagger."),
    ("--progress", "How it is told of: auto, tty, plain, json or none."),
    ("-h, --help", "Show this."),
)


def result_text(value: Any, *, as_json: bool) -> str:
    """Return a result as it is printed: a text as it is, lists by lines, nothing for nothing."""
    if as_json:
        return json.dumps(value, indent=4, ensure_ascii=False) + "\n"
    if isinstance(value, list):
        return "".join(f"{_line(one)}\n" for one in cast("Sequence[object]", value))
    return f"{value}\n" if isinstance(value, Shown) else _line(value)


def _line(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def functions_text(described: Described) -> str:
    """Return the functions of an object, a line each."""
    rows = [(one.command, one.short or "-") for one in described.functions.values()]
    return "\n".join(_table([("Name", "Description"), *rows]))


def help_text(call: Call, doc: str) -> str:
    """Return the help of the last function of a call.

    Args:
        call: The call.
        doc: What the module does.
    """
    return "\n".join(_help(call, doc)).rstrip()


def _help(call: Call, doc: str) -> Iterator[str]:
    function = call.steps[-1].function
    said = (function.doc if function.name else doc).strip()
    yield from (said, "") if said else ()
    arguments = [one for one in function.arguments if is_writable(one.type)]
    words = [call.path, *(["[arguments]"] if arguments else [])]
    if call.rest is not None:
        words.append("<function>")
    yield from ("USAGE", f"  {' '.join(words)}", "")
    if call.rest is not None:
        yield "FUNCTIONS"
        yield from _rows((one.command, one.short or "-") for one in call.rest.functions.values())
        yield ""
    if arguments:
        yield "ARGUMENTS"
        yield from _rows((f"--{one.flag} {one.type}", argument_text(one)) for one in arguments)
        yield ""
    yield "OPTIONS"
    yield from _rows(_OPTIONS)


def argument_text(argument: Argument) -> str:
    """Return what help says of an argument."""
    default = _default(argument)
    end = f" (default: {default})" if default else " [required]" if argument.required else ""
    return f"{' '.join(argument.doc.split())}{end}".strip()


def _default(argument: Argument) -> str:
    if argument.default_path is not None:
        return json.dumps(argument.default_path)
    if argument.default_address is not None:
        return json.dumps(argument.default_address)
    return "" if argument.default in {None, "null"} else str(argument.default)


def _rows(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    for line in _table(list(rows)):
        yield f"  {line}"


def _table(rows: list[tuple[str, str]]) -> Iterator[str]:
    width = max((len(first) for first, _ in rows), default=0)
    for first, second in rows:
        yield f"{first:<{width}}   {second}".rstrip()
