"""A source tree that an engine holds, beside its copy on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import dagger


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """What a function of a Dagger module was given to work on.

    Files are read from the copy, and what containers get of them comes from the directory: inside
    a module there is no host whose files an engine could read.
    """

    root: Path
    """The copy: absolute, and without symbolic links on the way to it."""
    directory: dagger.Directory
    """The same tree, as the engine has it."""
