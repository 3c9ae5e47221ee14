"""The operation behind `COPY` and `ADD` of a Dockerfile, and the one that `--link` needs."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyPart:
    """What of one tree is copied; `input` numbers the node's inputs."""

    input: int
    sources: tuple[str, ...]
    """Patterns as the Dockerfile has them; a plain name that is not there is an error."""
    ignore: tuple[str, ...] = ()
    """Lines of the ignore file, relative to the root of the tree."""
    unpack: bool = False
    """Archives are unpacked (`ADD`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerCopy:
    """`COPY` and `ADD` of a Dockerfile: the first input with paths of the others."""

    parts: tuple[CopyPart, ...]
    dest: str
    """Absolute; a trailing slash says directory."""
    exclude: tuple[str, ...] = ()
    """`--exclude` patterns, relative to each source."""
    owner: str = ""
    owner_input: int = 0
    chmod: str = ""
    """An octal number or symbols; empty leaves the modes as they are."""
    parents: bool = False
    text: str = ""
    """The instruction as it is written, for the image's history."""
    where: str = field(default="", repr=False)
    """What an error points at: file, line and the instruction."""

    @property
    def sources(self) -> tuple[str, ...]:
        """Return the sources of all parts."""
        return tuple(source for part in self.parts for source in part.sources)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stacked:
    """The layers of the second input on those of the first: nothing is read, nothing copied."""
