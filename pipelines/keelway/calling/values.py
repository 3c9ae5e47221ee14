"""Arguments as they are written, read: plain values here, everything else by its address.

Addresses are Dagger's own (`Address` of its API), so that the engine reads them as it would for
`dagger call`: a folder of this machine or a git address for a directory, `env:`, `file:`, `cmd:`
for a secret, an image reference for a container.
"""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Any

import dagger

from keelway.calling.described import Kind
from keelway.calling.words import problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from keelway.calling.described import Argument, TypeOf
    from keelway.calling.words import Step

_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})
_PLATFORM = re.compile(r"[a-z0-9]+/[a-z0-9_]+(/[a-z0-9.]+)?")
_SHOWN = 80

_EXPECTED = {
    "CacheVolume": "the name of a cache volume",
    "Container": "an image, such as alpine:3.20 or registry/name@sha256:...",
    "Directory": "a folder of this machine, or a git address such as "
    "https://github.com/owner/name#main:folder",
    "File": "a file of this machine, or a git address such as "
    "https://github.com/owner/name#main:folder/file",
    "GitRef": "a git address such as https://github.com/owner/name#main",
    "GitRepository": "the address of a git repository",
    "Secret": "an address: env:NAME, file:PATH, cmd:COMMAND, or one of a provider of secrets",
    "Service": "an address such as tcp://localhost:5432",
    "Socket": "the path of a socket",
    "Platform": "a platform such as linux/arm64, or `current`",
    "BuildArg": "a build argument as NAME=VALUE",
    "PortForward": "two ports as FRONTEND:BACKEND",
}
_PLAIN_EXPECTED = {
    Kind.INTEGER: "a whole number",
    Kind.FLOAT: "a number",
    Kind.BOOLEAN: "true or false",
}


class WrongValueError(Exception):
    """A text that is no value of the type."""


def expected(known: TypeOf) -> str:
    """Return what can be written for a type, in words."""
    if known.kind is Kind.ENUM:
        return f"one of {str(known).replace(',', ', ')}"
    return _EXPECTED.get(known.name) or _PLAIN_EXPECTED.get(known.kind) or str(known)


def plain_value(known: TypeOf, written: Sequence[str]) -> Any:
    """Return what was written as a plain value; an object by its address.

    Args:
        known: The type of the argument.
        written: Every text that was given for it.

    Raises:
        WrongValueError: It is no value of the type.
    """
    if known.element is not None:
        parts = [part for text in written for part in _parts(text)]
        return [_single(known.element, part) for part in parts]
    return _single(known, written[-1])


def _parts(text: str) -> list[str]:
    """Return the parts of a list, which commas part as in CSV."""
    return [part.strip() for row in csv.reader([text]) for part in row]


def _single(known: TypeOf, text: str) -> Any:
    match known.kind:
        case Kind.STRING:
            return text
        case Kind.INTEGER | Kind.FLOAT:
            return _number(known.kind, text.strip())
        case Kind.BOOLEAN | Kind.ENUM:
            return _choice(known, text)
        case Kind.SCALAR | Kind.INPUT:
            return _written_scalar(known, text)
        case _:
            return _address(text)


def _address(text: str) -> str:
    if not text:
        raise WrongValueError
    return text


def _number(kind: Kind, text: str) -> int | float:
    try:
        return int(text, 0) if kind is Kind.INTEGER else float(text)
    except ValueError:
        raise WrongValueError from None


def _choice(known: TypeOf, text: str) -> bool | str:
    if known.kind is Kind.BOOLEAN and text in _TRUE | _FALSE:
        return text in _TRUE
    for name in getattr(known.hint, "__members__", ()):
        if name.lower() == text.lower():
            return str(name)
    raise WrongValueError


def _written_scalar(known: TypeOf, text: str) -> Any:
    first, separator, second = text.partition("=" if known.name == "BuildArg" else ":")
    match known.name:
        case "Platform":
            if text != "current" and not _PLATFORM.fullmatch(text):
                raise WrongValueError
            return text
        case "BuildArg":
            if not first or not separator:
                raise WrongValueError
            return dagger.BuildArg(first, second)
        case "PortForward":
            if not (separator and first.isdigit() and second.isdigit()):
                raise WrongValueError
            return dagger.PortForward(frontend=int(first), backend=int(second))
        case _:
            return text


async def read_argument(
    dag: dagger.Client,
    steps: Sequence[Step],
    argument: Argument,
    written: Sequence[str],
    environ: Mapping[str, str],
) -> Any:
    """Return an argument as a value of Python: an object of the API where it is one.

    Args:
        dag: The client.
        steps: The call up to this argument's function, for the error.
        argument: The argument.
        written: Every text that was given for it.
        environ: The environment, for secrets that are named by a variable.

    Raises:
        ConfigError: It is of the wrong kind; names the argument, and what was expected.
    """
    known = argument.type
    try:
        value = plain_value(known, written)
        if known.element is not None:
            return [await _loaded(dag, known.element, one, argument, environ) for one in value]
        return await _loaded(dag, known, value, argument, environ)
    except WrongValueError as error:
        raise _wrong(steps, argument, written, str(error)) from None
    except dagger.QueryError as error:
        raise _wrong(steps, argument, written, str(error)) from error


def _wrong(
    steps: Sequence[Step], argument: Argument, written: Sequence[str], why: str
) -> Exception:
    known = argument.type.element or argument.type
    words = expected(known)
    # Whoever writes a secret itself where its address belongs should not find it in a log.
    shown = "what was given" if known.name == "Secret" else f"'{','.join(written)[:_SHOWN]}'"
    said = f" ({why})" if why and known.name != "Secret" else ""
    text = f"{shown} is not {words}{said}"
    return problem(steps, f"--{argument.flag}", text, f"give --{argument.flag} {words}")


async def _loaded(
    dag: dagger.Client, known: TypeOf, value: Any, argument: Argument, environ: Mapping[str, str]
) -> Any:
    """Return the value itself, or the object that it is the address of."""
    if known.name == "Platform" and value == "current":
        return await dag.default_platform()
    if known.kind is not Kind.OBJECT:
        return value
    address = dag.address(value)
    if known.name == "Secret":
        return await _secret(address, value, environ)
    found = _object(dag, address, known.name, value, argument)
    # Looked at now, so that the error names the argument.
    return await found.sync() if hasattr(found, "sync") else found


async def _secret(address: dagger.Address, value: str, environ: Mapping[str, str]) -> dagger.Secret:
    scheme, separator, rest = value.partition(":")
    name = (rest.removeprefix("//") if separator else value).partition("?")[0]
    if (not separator or scheme == "env") and name not in environ:
        raise WrongValueError
    secret = address.secret()
    await secret.id()
    return secret


def _object(
    dag: dagger.Client, address: dagger.Address, name: str, value: str, argument: Argument
) -> Any:
    """Return what an address names; nothing is looked at yet."""
    made: dict[str, Callable[[], object]] = {
        "CacheVolume": lambda: dag.cache_volume(value),
        "Container": address.container,
        "Directory": lambda: address.directory(exclude=list(argument.ignore) or None),
        "File": address.file,
        "GitRef": address.git_ref,
        "GitRepository": address.git_repository,
        "Service": address.service,
        "Socket": address.socket,
    }
    return made[name]()
