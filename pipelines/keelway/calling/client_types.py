"""The functions of Dagger's own types, read from the client that the SDK has for them.

A container or a directory that a function gives has functions of its own: `build container
with-exec --args=ls stdout`. What no command line can say is left out, as Dagger's leaves it out.
"""

from __future__ import annotations

import functools
import inspect
import json
import re
import typing
from enum import Enum
from typing import Any

import dagger

from keelway.calling.described import Argument, Described, Function, Kind, TypeOf
from keelway.calling.types import type_of

_HIDDEN = frozenset({"id", "with_"})
_PARAMETERS = "Parameters\n----------\n"
_PARAMETER = re.compile(r"^(\w+):$", re.MULTILINE)


@functools.cache
def client_type(hint: type) -> Described:
    """Return a type of Dagger's API with its functions."""
    functions = [
        found
        for name, member in inspect.getmembers(hint, inspect.isfunction)
        if not name.startswith("_") and name not in _HIDDEN
        for found in [_function(hint, name, member)]
        if found is not None
    ]
    return Described(
        name=hint.__name__,
        doc=inspect.getdoc(hint) or "",
        functions={one.command: one for one in sorted(functions, key=lambda one: one.name)},
    )


def is_writable(known: TypeOf) -> bool:
    """Return whether a value of the type can be written on a command line."""
    if known.element is not None:
        return known.element.kind is not Kind.LIST and is_writable(known.element)
    if known.kind is Kind.OBJECT:
        return known.name in WRITABLE_OBJECTS
    if known.kind is Kind.INPUT:
        return known.name in WRITABLE_INPUTS
    return known.kind not in {Kind.OTHER, Kind.VOID}


WRITABLE_OBJECTS = frozenset(
    {
        "CacheVolume", "Container", "Directory", "File", "GitRef", "GitRepository", "Secret",
        "Service", "Socket",
    }
)  # fmt: skip
WRITABLE_INPUTS = frozenset({"BuildArg", "PortForward"})


def _function(hint: type, name: str, member: Any) -> Function | None:
    try:
        hints = typing.get_type_hints(member, dict(vars(dagger)))
    except NameError:
        return None
    returned = hints.get("return")
    summary, docs = _docs(inspect.getdoc(member) or "")
    arguments = [
        _argument(parameter, type_of(hints[parameter.name]), docs.get(parameter.name, ""))
        for parameter in inspect.signature(member).parameters.values()
        if parameter.name in hints
    ]
    written = tuple(one for one in arguments if is_writable(one.type))
    if any(one.required for one in arguments if one not in written):
        return None
    return Function(
        name=name.removesuffix("_"),
        python_name=name,
        doc=summary,
        arguments=written,
        returns=type_of(hint if str(returned).endswith("Self") else returned),
    )


def _argument(parameter: inspect.Parameter, known: TypeOf, doc: str) -> Argument:
    given = parameter.default
    default: str | None = None
    if isinstance(given, Enum):
        default = json.dumps(given.name)
    elif given is not inspect.Parameter.empty and given is not None:
        default = json.dumps(given)
    return Argument(
        name=parameter.name,
        python_name=parameter.name,
        type=known,
        doc=doc,
        default=default,
    )


def _docs(text: str) -> tuple[str, dict[str, str]]:
    """Return what a docstring of the client says of the function, and of each argument."""
    summary, _, rest = text.partition(_PARAMETERS)
    found = _PARAMETER.split(rest)[1:]
    docs = {
        name: inspect.cleandoc(said).partition("\n\nReturns")[0]
        for name, said in zip(found[::2], found[1::2], strict=True)
    }
    return inspect.cleandoc(summary.partition("\n\nReturns")[0]).partition("\n\n")[0], docs
