r"""A Dockerfile's text as stages of typed instructions.

>>> file = parse("ARG TAG=1\nFROM alpine:$TAG AS base\nRUN echo hi\n")
>>> [argument.name for arg in file.arguments for argument in arg.arguments]
['TAG']
>>> file.stages[0].name, file.stages[0].instructions[0].command.words
('base', ('echo hi',))
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from keelway.dockerfile.errors import Location, Source, SyntaxProblem
from keelway.dockerfile.flags import did_you_mean
from keelway.dockerfile.instructions import Arg, From, OnBuild
from keelway.dockerfile.lex import Scan, Statement, scan
from keelway.dockerfile.read_copies import read_add, read_copy
from keelway.dockerfile.read_runs import read_cmd, read_entrypoint, read_healthcheck, read_run
from keelway.dockerfile.read_settings import (
    read_arg,
    read_env,
    read_expose,
    read_from,
    read_label,
    read_maintainer,
    read_shell,
    read_stop_signal,
    read_user,
    read_volume,
    read_workdir,
)
from keelway.dockerfile.stages import Dockerfile, Stage
from keelway.dockerfile.statement import Reading
from keelway.dockerfile.words import keyword

if TYPE_CHECKING:
    from collections.abc import Callable

    from keelway.dockerfile.instructions import Instruction

_NOT_TRIGGERS = {"FROM", "MAINTAINER"}


def parse(text: str, name: str = "Dockerfile") -> Dockerfile:
    """Return the stages of a Dockerfile.

    Raises:
        DockerfileError: The text is no Dockerfile; the error has line and excerpt.
    """
    source = Source(text=text, name=name)
    scanned = scan(source)
    if not scanned.statements:
        last = Location(line=1, end_line=1)
        raise source.error("the Dockerfile cannot be empty: it has no instructions", last)
    return _staged(source, scanned)


def _staged(source: Source, scanned: Scan) -> Dockerfile:
    arguments: list[Arg] = []
    stages: list[Stage] = []
    for statement in scanned.statements:
        instruction = _read(statement, scanned.directives.escape, source)
        if isinstance(instruction, From):
            stages.append(Stage(index=len(stages), base=instruction))
        elif stages:
            last = stages[-1]
            stages[-1] = replace(last, instructions=(*last.instructions, instruction))
        elif isinstance(instruction, Arg):
            arguments.append(instruction)
        else:
            raise source.error(
                "no build stage in current context: only ARG may stand before the first FROM",
                statement.location,
            )
    if not stages:
        where = scanned.statements[-1].location
        raise source.error("dockerfile contains no stages to build: it has no FROM", where)
    return Dockerfile(
        source=source,
        directives=scanned.directives,
        arguments=tuple(arguments),
        stages=tuple(stages),
        empty_continuations=scanned.empty_continuations,
    )


def parse_trigger(expression: str, image: str, escape: str = "\\") -> tuple[Instruction, Source]:
    """Return the instruction of an `ONBUILD` trigger that an image's configuration holds.

    Raises:
        DockerfileError: The trigger is no instruction; the error names the image.
    """
    source = Source(text=expression, name=f"ONBUILD of {image}")
    statements = scan(source).statements
    if len(statements) != 1:
        whole = Location(line=1, end_line=max(1, len(source.lines())))
        raise source.error("an ONBUILD trigger is exactly one instruction", whole)
    return _read(statements[0], escape, source), source


def _read(statement: Statement, escape: str, source: Source) -> Instruction:
    try:
        return _instruction(Reading.of(statement, escape))
    except SyntaxProblem as problem:
        raise source.error(str(problem), statement.location) from None


def _instruction(reading: Reading) -> Instruction:
    if reading.name == "ONBUILD":
        return _on_build(reading)
    read = _READERS.get(reading.name)
    if read is None:
        hint = did_you_mean(reading.name, {*_READERS, "ONBUILD"})
        raise SyntaxProblem(f"unknown instruction: {reading.name}{hint}")
    return read(reading)


def _on_build(reading: Reading) -> OnBuild:
    reading.flags()
    if not reading.rest:
        raise SyntaxProblem("ONBUILD requires at least one argument: the instruction")
    name, _ = keyword(reading.rest)
    if name == "ONBUILD":
        raise SyntaxProblem("chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
    if name in _NOT_TRIGGERS:
        raise SyntaxProblem(f"{name} isn't allowed as an ONBUILD trigger")
    inner = Statement(
        text=reading.rest,
        location=reading.placed["location"],
        heredocs=reading.heredocs,
        comments=reading.placed["comments"],
    )
    expression = reading.rest
    for heredoc in reading.heredocs:
        expression += f"\n{heredoc.content}{heredoc.name}"
    trigger = _instruction(Reading.of(inner, reading.escape))
    return OnBuild(expression=expression, trigger=trigger, **reading.placed)


_READERS: dict[str, Callable[[Reading], Instruction]] = {
    "ADD": read_add,
    "ARG": read_arg,
    "CMD": read_cmd,
    "COPY": read_copy,
    "ENTRYPOINT": read_entrypoint,
    "ENV": read_env,
    "EXPOSE": read_expose,
    "FROM": read_from,
    "HEALTHCHECK": read_healthcheck,
    "LABEL": read_label,
    "MAINTAINER": read_maintainer,
    "RUN": read_run,
    "SHELL": read_shell,
    "STOPSIGNAL": read_stop_signal,
    "USER": read_user,
    "VOLUME": read_volume,
    "WORKDIR": read_workdir,
}
