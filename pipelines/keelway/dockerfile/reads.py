r"""What a build reads of its context: the sources of `COPY`, `ADD` and `RUN --mount=type=bind`.

Only stages count that a target needs. What cannot be known here is taken for more, never for less:
a variable that only the base image sets makes everything below the folder before it a source, and
a base image whose triggers (`ONBUILD`) may read files makes the whole context one.

Example:
    >>> from keelway.dockerfile.parse import parse
    >>> text = "FROM scratch AS docs\nCOPY docs /\nFROM scratch\nARG APP=api\nCOPY src/$APP *.txt /"
    >>> context_sources(parse(text))
    ('src/api', '*.txt')
    >>> context_sources(parse(text), targets=["docs", ""], build_args={"APP": "web"})
    ('docs', 'src/web', '*.txt')
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keelway.dockerfile.expand import Expander
from keelway.dockerfile.instructions import Add, Arg, Copy, Env, OnBuild, Run
from keelway.dockerfile.remotes import git_source, is_web_file
from keelway.dockerfile.stages import SCRATCH

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from keelway.dockerfile.instructions import Instruction, Pair
    from keelway.dockerfile.mounts import MountText
    from keelway.dockerfile.stages import Dockerfile, Stage

WHOLE = "."
"""The source that is the whole context."""

_STOCK_SYNTAX = re.compile(r"(docker\.io/)?docker/dockerfile(-upstream)?([:@].*)?\Z")
_NO_TARGETS = ("",)


def context_sources(
    dockerfile: Dockerfile,
    *,
    build_args: Mapping[str, str] | None = None,
    targets: Sequence[str] = _NO_TARGETS,
) -> tuple[str, ...]:
    """Return what is read of the context: patterns relative to it, `"."` for all of it.

    Args:
        dockerfile: The Dockerfile.
        build_args: Values of arguments, over the defaults in the file.
        targets: The stages that are built, by name or number; the last where one is empty.

    Raises:
        DockerfileError: No stage is called that, or stages need each other in a circle.
        SyntaxProblem: A variable cannot be read.
    """
    syntax = dockerfile.directives.syntax
    if syntax is not None and not _STOCK_SYNTAX.match(syntax):
        return (WHOLE,)  # another front end: nobody knows what it reads
    reading = _Reading(dockerfile, dict(build_args or {}))
    needed: dict[int, Stage] = {}
    for target in targets:
        wanted = dockerfile.needed(dockerfile.target(target), reading.image)
        needed |= {stage.index: stage for stage in wanted}
    sources = [source for index in needed for source in reading.of(needed[index])]
    outside = [image for stage in needed.values() if (image := reading.outside(stage))]
    if any("onbuild" in image.lower() for image in outside) or (outside and not sources):
        # Images that exist for their triggers say so in their tag, and leave nothing else to write.
        return (WHOLE,)
    found = tuple(dict.fromkeys(sources))
    return (WHOLE,) if WHOLE in found else found


@dataclass(slots=True)
class _Values:
    """The variables of a stage where an instruction stands: `ENV` wins over `ARG`."""

    args: dict[str, str] = field(default_factory=dict[str, str])
    env: dict[str, str] = field(default_factory=dict[str, str])
    triggers: tuple[Instruction, ...] = ()
    """What a stage that is built on this one runs first."""

    def all(self) -> dict[str, str]:
        return {**self.args, **self.env}


class _Reading:
    """One pass over the stages of a file, each read once."""

    def __init__(self, dockerfile: Dockerfile, build_args: Mapping[str, str]) -> None:
        self._file = dockerfile
        self._given = build_args
        self._globals = self._arguments_of_file()
        self._ends: dict[int, _Values] = {}
        self._sources: dict[int, tuple[str, ...]] = {}

    def _arguments_of_file(self) -> dict[str, str]:
        values: dict[str, str] = {}
        for instruction in self._file.arguments:
            for argument in instruction.arguments:
                default = argument.default
                value = None if default is None else self._expander(values).word(default)
                value = self._given.get(argument.name, value)
                if value is not None:
                    values[argument.name] = value
        return values

    def _expander(self, values: Mapping[str, str]) -> Expander:
        return Expander(values, escape=self._file.directives.escape)

    def image(self, stage: Stage) -> str:
        """Return what a stage is built on, variables replaced."""
        return self._expander(self._globals).word(stage.base.image)

    def outside(self, stage: Stage) -> str:
        """Return the image that a stage is built on; nothing for scratch and other stages."""
        image = self.image(stage)
        if image.lower() == SCRATCH or self._file.base_stage(stage, image) is not None:
            return ""
        return image

    def of(self, stage: Stage) -> tuple[str, ...]:
        """Return what a stage reads of the context; those that it is built on come before it."""
        self._read(stage)
        return self._sources[stage.index]

    def _read(self, stage: Stage) -> _Values:
        known = self._ends.get(stage.index)
        if known is not None:
            return known
        below = self._file.base_stage(stage, self.image(stage))
        values = _Values()
        triggers: tuple[Instruction, ...] = ()
        if below is not None:
            under = self._read(below)
            values = _Values(args=dict(under.args), env=dict(under.env))
            triggers = under.triggers
        sources: list[str] = []
        for instruction in (*triggers, *stage.instructions):
            self._apply(instruction, values)
            sources += self._taken(instruction, values)
        self._ends[stage.index], self._sources[stage.index] = values, tuple(sources)
        return values

    def _apply(self, instruction: Instruction, values: _Values) -> None:
        match instruction:
            case Arg():
                for argument in instruction.arguments:
                    self._declare(argument.name, argument.default, values)
            case Env():
                before = values.all()
                for pair in instruction.pairs:
                    self._set(pair, before, values)
            case OnBuild():
                values.triggers = (*values.triggers, instruction.trigger)
            case _:
                pass

    def _set(self, pair: Pair, before: Mapping[str, str], values: _Values) -> None:
        expander = self._expander(before)
        value = expander.word(pair.value)
        values.args.pop(pair.name, None)
        values.env.pop(pair.name, None)
        if not expander.missing:  # else the base image may say what it is
            values.env[pair.name] = value

    def _declare(self, name: str, default: str | None, values: _Values) -> None:
        expander = self._expander(values.all())
        value = self._globals.get(name) if default is None else expander.word(default)
        value = self._given.get(name, None if expander.missing else value)
        values.args.pop(name, None)
        if value is not None:
            values.args[name] = value

    def _taken(self, instruction: Instruction, values: _Values) -> Iterator[str]:
        match instruction:
            case Copy(from_=""):
                for source in instruction.sources:
                    yield self._cleaned(source, values, pivot=instruction.parents)
            case Add():
                for source in instruction.sources:
                    if not is_web_file(source) and git_source(source) is None:
                        yield self._cleaned(source, values)
            case Run():
                yield from (
                    self._cleaned(_source(mount), values) for mount in _binds(instruction.mounts)
                )
            case _:
                pass

    def _cleaned(self, source: str, values: _Values, *, pivot: bool = False) -> str:
        expander = self._expander(values.all())
        text = expander.word(source)
        if expander.missing:
            text = posixpath.dirname(source.partition("$")[0])
        elif pivot:
            text = text.replace("/./", "/")
        return posixpath.normpath(f"/{text}").lstrip("/") or WHOLE


def _binds(mounts: Iterable[MountText]) -> Iterator[MountText]:
    return (mount for mount in mounts if mount.kind == "bind" and not mount.from_)


def _source(mount: MountText) -> str:
    given = [value for name, value in mount.options if name in {"source", "src"}]
    return (given[-1] if given else None) or "/"
