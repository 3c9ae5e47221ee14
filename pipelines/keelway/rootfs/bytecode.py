"""Python's bytecode, taken over from another architecture's tree.

Bytecode does not depend on the architecture. It is made once, by the Python that runs here without
emulation, and used for every platform whose sources have the same bytes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from keelway.rootfs.entry import Entry, content_of, directory, file

if TYPE_CHECKING:
    import tarfile
    from collections.abc import Iterator, Mapping

_BYTECODE = re.compile(r"(?P<folder>.*)__pycache__/(?P<name>[^/]+)\.cpython-\d+\.pyc")


def borrowed_bytecode(
    entries: Mapping[str, Entry],
    archive: tarfile.TarFile,
    donor_entries: Mapping[str, Entry],
    donor: tarfile.TarFile,
) -> Iterator[Entry]:
    """Yield the bytecode that fits these sources.

    Args:
        entries: The tree that has none.
        archive: Where its content is.
        donor_entries: The tree that has bytecode.
        donor: Where its content is.
    """
    folders: set[str] = set()
    for path in sorted(donor_entries):
        found = _BYTECODE.fullmatch(path)
        if found is None or path in entries:
            continue
        source = f"{found['folder']}{found['name']}.py"
        if source not in entries or source not in donor_entries:
            continue
        mine, theirs = entries[source], donor_entries[source]
        if mine.size != theirs.size or content_of(mine, archive) != content_of(theirs, donor):
            continue
        folder = f"{found['folder']}__pycache__"
        if folder not in folders and folder not in entries:
            folders.add(folder)
            yield directory(folder)
        yield file(path, content_of(donor_entries[path], donor))
