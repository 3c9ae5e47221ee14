"""A module with an argument of every kind, registered apart from keelway's own."""

import enum
from typing import Annotated

import dagger
from dagger import DefaultPath, Doc, Ignore
from dagger.mod._module import Module

module = Module("Sample")


@module.enum_type
class Level(enum.Enum):
    """How loud."""

    QUIET = "quiet"
    LOUD = "loud"


@module.object_type
class Part:
    """A part of the whole."""

    name: str = module.field(default="")

    @module.function
    def fail(self) -> str:
        """Do not."""
        raise LookupError(self.name)

    @module.function
    def shout(self, times: int = 1) -> str:
        """Say the name."""
        return self.name.upper() * times


@module.object_type
class Sample:
    """Functions with arguments of every kind."""

    source: Annotated[dagger.Directory, DefaultPath("/"), Ignore(["*.log"]), Doc("Where.")]

    @module.function
    def part(
        self,
        name: Annotated[str, Doc("What it is called.")],
        level: Level = Level.QUIET,
        ratio: float = 0.5,
        words: list[str] | None = None,
        dry_run: bool = False,  # noqa: FBT002 - as users write them
    ) -> Part:
        """Make a part.

        It has a name.
        """
        part = Part()
        part.name = f"{name}{level}{ratio}{words}{dry_run}"
        return part

    @module.function
    def box(
        self,
        image: dagger.Container,
        key: dagger.Secret | None = None,
        platforms: list[dagger.Platform] | None = None,
    ) -> dagger.Container:
        """Give it back."""
        _ = key, platforms
        return image

    @module.function
    def count(self, number: int) -> int:
        """Return it."""
        return number
