"""Files made one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.lab import clock, nonce
from bench.rows import Row, Work

if TYPE_CHECKING:
    from collections.abc import Mapping

    import dagger

    from bench.lab import Lab

COUNT = 100


async def new_files(lab: Lab) -> Mapping[str, float]:
    """Make many files in one directory, each by an operation of its own."""
    async with lab.session() as (client, _):
        return {"new-files": await files_in(client.directory(), COUNT) / COUNT * 1000}


async def files_in(directory: dagger.Directory, count: int) -> float:
    """Return the seconds for that many new files."""
    mark = nonce()
    for number in range(count):
        directory = directory.with_new_file(f"f{number}", mark)
    with clock() as taken:
        await directory.sync()
    return taken.seconds


NEW_FILES = Work(
    measure=new_files,
    rows=(
        Row(
            name="new-files",
            title="100 with_new_file on a directory, each",
            unit="ms",
            dagger=(5, 9),
            share=0.25,
        ),
    ),
)
