r"""The images that a Dockerfile takes from outside: what it is built on, and what it copies from.

Example:
    >>> from keelway.dockerfile.parse import parse
    >>> text = "ARG BASE=debian:12\nFROM $BASE AS deps\nFROM deps\nCOPY --from=busybox:1 /bin /bin"
    >>> [(use.reference, use.final) for use in external_images(parse(text))]
    [('debian:12', True), ('busybox:1', False)]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.dockerfile.expand import Expander
from keelway.dockerfile.stages import SCRATCH, Dockerfile, Stage, references

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from keelway.dockerfile.errors import Location


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageUse:
    """One image from outside."""

    reference: str
    """As it stands there once arguments are replaced."""
    location: Location
    stage: str
    """The stage that uses it, by name or number."""
    final: bool
    """The target is built on it, be it through other stages; else it only helps to build."""


def external_images(
    dockerfile: Dockerfile, *, build_args: Mapping[str, str] | None = None, target: str = ""
) -> tuple[ImageUse, ...]:
    """Return the images that a target needs, each once for a stage, in the order of the stages.

    Args:
        dockerfile: The Dockerfile.
        build_args: Values of arguments, over the defaults in the file.
        target: The stage to build, by name or number; the last when empty.

    Raises:
        DockerfileError: No stage is called that, or stages need each other in a circle.
        SyntaxProblem: A variable in a `FROM` cannot be read.
    """
    values = _globals(dockerfile, build_args or {})
    wanted = dockerfile.target(target)
    needed = dockerfile.needed(wanted, lambda stage: _image(stage, values))
    chain = set(_chain(dockerfile, wanted, values))
    found = [
        use
        for stage in sorted(needed, key=lambda stage: stage.index)
        for use in _uses(dockerfile, stage, values, final=stage.index in chain)
    ]
    return tuple(found)


def final_image(
    dockerfile: Dockerfile, *, build_args: Mapping[str, str] | None = None, target: str = ""
) -> str | None:
    """Return the image that the target is built on in the end; nothing where that is scratch.

    Args:
        dockerfile: The Dockerfile.
        build_args: Values of arguments, over the defaults in the file.
        target: The stage to build, by name or number; the last when empty.

    Raises:
        DockerfileError: No stage is called that, or stages need each other in a circle.
        SyntaxProblem: A variable in a `FROM` cannot be read.
    """
    uses = external_images(dockerfile, build_args=build_args, target=target)
    return next((use.reference for use in uses if use.final), None)


def _globals(dockerfile: Dockerfile, given: Mapping[str, str]) -> dict[str, str]:
    """Return the arguments before the first `FROM` with their values."""
    values: dict[str, str] = {}
    for instruction in dockerfile.arguments:
        for argument in instruction.arguments:
            if argument.name in given:
                values[argument.name] = given[argument.name]
            elif argument.default is not None:
                values[argument.name] = Expander(values).word(argument.default)
    return values


def _image(stage: Stage, values: Mapping[str, str]) -> str:
    return Expander(values).word(stage.base.image)


def _chain(dockerfile: Dockerfile, stage: Stage, values: Mapping[str, str]) -> Iterator[int]:
    """Yield the stages that a stage is built on, itself first."""
    below: Stage | None = stage
    while below is not None:
        yield below.index
        below = dockerfile.base_stage(below, _image(below, values))


def _uses(
    dockerfile: Dockerfile, stage: Stage, values: Mapping[str, str], *, final: bool
) -> Iterator[ImageUse]:
    image = _image(stage, values)
    if dockerfile.base_stage(stage, image) is None and image not in {"", SCRATCH}:
        yield ImageUse(reference=image, location=stage.base.location, stage=stage.name, final=final)
    for instruction in stage.instructions:
        for reference in references(instruction):
            if dockerfile.source_stage(stage, reference, instruction.location) is None:
                yield ImageUse(
                    reference=Expander(values).word(reference),
                    location=instruction.location,
                    stage=stage.name,
                    final=False,
                )
