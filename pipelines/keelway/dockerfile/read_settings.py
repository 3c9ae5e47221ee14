"""The instructions that only set something, read from their lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from keelway.dockerfile.errors import SyntaxProblem
from keelway.dockerfile.flags import Known
from keelway.dockerfile.instructions import (
    Arg,
    BuildArgument,
    Env,
    Expose,
    From,
    Label,
    Maintainer,
    Pair,
    Shell,
    StopSignal,
    User,
    Volume,
    Workdir,
)
from keelway.dockerfile.words import blank_separated, exec_form, name_values, quoted_words

if TYPE_CHECKING:
    from keelway.dockerfile.statement import Reading

_FROM = Known(texts=frozenset({"platform"}))
_STAGE_NAME = re.compile(r"[a-z][a-z0-9-_.]*\Z")


def read_from(reading: Reading) -> From:
    """Return a `FROM`.

    Raises:
        SyntaxProblem: The line is no `FROM`.
    """
    flags = reading.flags(_FROM)
    words = blank_separated(reading.rest)
    name = ""
    if len(words) == 3 and words[1].upper() == "AS":  # noqa: PLR2004 - IMAGE AS NAME
        name = words[2].lower()
        if not _STAGE_NAME.match(name):
            raise SyntaxProblem(
                f'invalid name for build stage: "{words[2]}", '
                "name can't start with a number or contain symbols"
            )
    elif len(words) != 1:
        raise SyntaxProblem("FROM requires either one or three arguments: IMAGE [AS NAME]")
    return From(image=words[0], platform=flags.text("platform"), name=name, **reading.placed)


def read_arg(reading: Reading) -> Arg:
    """Return an `ARG`.

    Raises:
        SyntaxProblem: The line is no `ARG`.
    """
    reading.flags()
    words = quoted_words(reading.rest, reading.escape)
    if not words:
        raise SyntaxProblem("ARG requires at least one argument")
    arguments: list[BuildArgument] = []
    for word in words:
        name, equals, default = word.partition("=")
        if not name:
            raise SyntaxProblem("ARG names can not be blank")
        arguments.append(BuildArgument(name=name, default=default if equals else None))
    return Arg(arguments=tuple(arguments), **reading.placed)


def read_env(reading: Reading) -> Env:
    """Return an `ENV`.

    Raises:
        SyntaxProblem: The line is no `ENV`.
    """
    return Env(pairs=_pairs(reading), **reading.placed)


def read_label(reading: Reading) -> Label:
    """Return a `LABEL`.

    Raises:
        SyntaxProblem: The line is no `LABEL`.
    """
    return Label(pairs=_pairs(reading), **reading.placed)


def _pairs(reading: Reading) -> tuple[Pair, ...]:
    reading.flags()
    found = name_values(reading.rest, reading.name, reading.escape)
    return tuple(Pair(name=name, value=value) for name, value in found)


def read_expose(reading: Reading) -> Expose:
    """Return an `EXPOSE`.

    Raises:
        SyntaxProblem: The line is no `EXPOSE`.
    """
    reading.flags()
    ports = blank_separated(reading.rest)
    if not ports:
        raise SyntaxProblem("EXPOSE requires at least one argument")
    return Expose(ports=tuple(ports), **reading.placed)


def read_shell(reading: Reading) -> Shell:
    """Return a `SHELL`.

    Raises:
        SyntaxProblem: The line is no `SHELL`.
    """
    reading.flags()
    words = exec_form(reading.rest)
    if words is None:
        raise SyntaxProblem('SHELL requires the arguments to be in JSON form: ["sh", "-c"]')
    if not words:
        raise SyntaxProblem("SHELL requires at least one argument")
    return Shell(words=words, **reading.placed)


def read_volume(reading: Reading) -> Volume:
    """Return a `VOLUME`.

    Raises:
        SyntaxProblem: The line is no `VOLUME`.
    """
    reading.flags()
    found = exec_form(reading.rest)
    paths = found if found is not None else tuple(blank_separated(reading.rest))
    if not paths:
        raise SyntaxProblem("VOLUME requires at least one argument")
    if not all(path.strip() for path in paths):
        raise SyntaxProblem("VOLUME specified can not be an empty string")
    return Volume(paths=paths, **reading.placed)


def read_user(reading: Reading) -> User:
    """Return a `USER`.

    Raises:
        SyntaxProblem: The line is no `USER`.
    """
    return User(user=reading.one_argument(), **reading.placed)


def read_workdir(reading: Reading) -> Workdir:
    """Return a `WORKDIR`.

    Raises:
        SyntaxProblem: The line is no `WORKDIR`.
    """
    return Workdir(path=reading.one_argument(), **reading.placed)


def read_stop_signal(reading: Reading) -> StopSignal:
    """Return a `STOPSIGNAL`.

    Raises:
        SyntaxProblem: The line is no `STOPSIGNAL`.
    """
    return StopSignal(signal=reading.one_argument(), **reading.placed)


def read_maintainer(reading: Reading) -> Maintainer:
    """Return a `MAINTAINER`.

    Raises:
        SyntaxProblem: The line is no `MAINTAINER`.
    """
    return Maintainer(name=reading.one_argument(), **reading.placed)
