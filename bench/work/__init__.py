"""All that is measured, in the order of the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.work.dockerfiles import DOCKERFILE
from bench.work.execs import CHAIN, TOGETHER
from bench.work.files import NEW_FILES
from bench.work.host import LARGE_FILES, SMALL_FILES
from bench.work.services import SERVICE
from bench.work.start import START
from bench.work.store import STORE

if TYPE_CHECKING:
    from bench.rows import Work

ALL: Final[tuple[Work, ...]] = (
    START,
    CHAIN,
    TOGETHER,
    NEW_FILES,
    SMALL_FILES,
    LARGE_FILES,
    DOCKERFILE,
    SERVICE,
    STORE,
)
