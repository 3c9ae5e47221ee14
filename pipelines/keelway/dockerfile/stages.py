"""A parsed Dockerfile: its stages, and which of them a target needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.dockerfile.flags import did_you_mean
from keelway.dockerfile.instructions import Arg, Copy, From, OnBuild, Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from keelway.dockerfile.errors import Location, Source
    from keelway.dockerfile.instructions import Instruction
    from keelway.dockerfile.lex import Directives

SCRATCH = "scratch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A `FROM` and the instructions up to the next one."""

    index: int
    base: From
    instructions: tuple[Instruction, ...] = ()

    @property
    def name(self) -> str:
        """Return the name given by `AS`, or the number."""
        return self.base.name or str(self.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dockerfile:
    """A whole file. At least one stage is in it."""

    source: Source
    directives: Directives
    arguments: tuple[Arg, ...]
    """The `ARG`s before the first `FROM`."""
    stages: tuple[Stage, ...]
    empty_continuations: tuple[int, ...] = ()
    """Lines inside a continued instruction that are empty."""

    def target(self, wanted: str = "") -> Stage:
        """Return the stage to build: by name, by number, or the last.

        Raises:
            DockerfileError: No stage is called that.
        """
        if not wanted:
            return self.stages[-1]
        found = self._by_name(wanted, len(self.stages)) or self._by_index(wanted)
        if found is None:
            names = {stage.base.name for stage in self.stages if stage.base.name}
            hint = did_you_mean(wanted.lower(), names)
            raise self.source.error(
                f'target stage "{wanted}" could not be found{hint}', self.stages[-1].base.location
            )
        return found

    def base_stage(self, stage: Stage, image: str) -> Stage | None:
        """Return the earlier stage that `FROM image` means; None for an image."""
        return self._by_name(image, stage.index)

    def source_stage(self, stage: Stage, reference: str, location: Location) -> Stage | None:
        """Return the stage that a `from` of an instruction means; None for an image.

        Raises:
            DockerfileError: It is a number that no stage has.
        """
        if reference.isdigit():
            found = self._by_index(reference)
            if found is None:
                raise self.source.error(f"invalid stage index {reference}", location)
            return found
        return self._by_name(reference, stage.index) or self._by_name(reference, len(self.stages))

    def _by_name(self, name: str, before: int) -> Stage | None:
        wanted = name.lower()
        found = [stage for stage in self.stages[:before] if stage.base.name == wanted]
        return found[-1] if found and wanted else None

    def _by_index(self, text: str) -> Stage | None:
        if not text.isdigit() or int(text) >= len(self.stages):
            return None
        return self.stages[int(text)]

    def needed(
        self, target: Stage, image_of: Callable[[Stage], str] = lambda stage: stage.base.image
    ) -> tuple[Stage, ...]:
        """Return the stages that a target is made from, each behind those that it needs.

        Args:
            target: the stage that is to be built.
            image_of: gives what a stage's `FROM` says once variables are replaced.

        Raises:
            DockerfileError: Stages need each other in a circle.
        """
        done: dict[int, Stage] = {}
        self._visit(target, image_of, done, [])
        return tuple(done.values())

    def _visit(
        self,
        stage: Stage,
        image_of: Callable[[Stage], str],
        done: dict[int, Stage],
        path: list[Stage],
    ) -> None:
        if stage in path:
            circle = " -> ".join(one.name for one in (*path[path.index(stage) :], stage))
            raise self.source.error(
                f"circular dependency detected on stage: {stage.name} ({circle})",
                stage.base.location,
            )
        if stage.index in done:
            return
        base = self.base_stage(stage, image_of(stage))
        for other in [base, *self._sources(stage)]:
            if other is not None:
                self._visit(other, image_of, done, [*path, stage])
        done[stage.index] = stage

    def _sources(self, stage: Stage) -> Iterator[Stage | None]:
        for instruction in stage.instructions:
            for reference in references(instruction):
                yield self.source_stage(stage, reference, instruction.location)


def references(instruction: Instruction) -> tuple[str, ...]:
    """Return what an instruction takes files from beside the context: stages or images."""
    match instruction:
        case Copy():
            return (instruction.from_,) if instruction.from_ else ()
        case Run():
            return tuple(mount.from_ for mount in instruction.mounts if mount.from_)
        case OnBuild():
            return ()  # it runs where the image is used, with that file's stages
        case _:
            return ()
