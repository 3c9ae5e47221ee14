"""After a crash of the machine, or damage to the disk: forget what may not be whole.

A killed engine leaves nothing half made, since all is renamed into place when it is complete. A
machine that loses power can lose the content of files that were written shortly before. So after
a restart of the machine everything that is younger than the last few minutes of use is dropped;
after an orderly shutdown that costs a little work, no more. A database that was damaged is
replaced: all that it knew can be made again.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.store.database import Damaged, Database, files_of

if TYPE_CHECKING:
    from keelway.engine.store.workspace import Workspace

_UNSURE_NS = 300 * 1_000_000_000
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_FOLDERS = ("layers", "blobs/sha256")


def recover(root: Path, workspace: Workspace, database: Database) -> None:
    """Drop what may be damaged, if the machine was restarted since the store was last used."""
    try:
        boot = _BOOT_ID.read_text(encoding="ascii")
    except OSError:
        return  # no way to tell; a container without the file, say
    mark = root / "boot"
    if _read(mark) == boot:
        return
    with workspace.alone():
        last = _read(mark)
        if last not in {"", boot}:
            _drop_recent(root, workspace, database)
        work = workspace.new_work("boot")
        (work / "boot").write_text(boot, encoding="ascii")
        (work / "boot").rename(mark)
        workspace.discard(work)


def open_database(root: Path, workspace: Workspace) -> Database:
    """Return the store's database; a damaged one is replaced, with the layers it knew of.

    What is kept by its content, and cache volumes, which only have a name, stay.

    Raises:
        EngineError: It can't be opened, or is damaged and in use by other sessions.
    """
    path = root / "store.db"
    try:
        return Database(path)
    except Damaged as error:
        with workspace.alone():
            if not workspace.is_only():
                raise EngineError(
                    f"{error}; other sessions that use the store must end first"
                ) from error
            for part in (*files_of(path), root / "layers", root / "host"):
                workspace.discard(part)
    return Database(path)


def _drop_recent(root: Path, workspace: Workspace, database: Database) -> None:
    folders = [root / name for name in _FOLDERS if (root / name).is_dir()]
    since = max(folder.stat().st_mtime_ns for folder in folders) - _UNSURE_NS
    dropped: set[str] = set()
    for folder in folders:
        for path in folder.iterdir():
            if path.lstat().st_ctime_ns >= since:
                dropped.add(path.name if folder.name == "layers" else f"sha256:{path.name}")
                workspace.discard(path)
    for path in (root / "host").iterdir():
        workspace.discard(path)
    with database.writing() as connection:
        rows = connection.execute("SELECT key, layers, blobs FROM results").fetchall()
        gone = [
            (key,) for key, layers, blobs in rows if dropped & {*layers.split(), *blobs.split()}
        ]
        connection.executemany("DELETE FROM results WHERE key = ?", gone)
        connection.execute("DELETE FROM memo WHERE kind = 'host'")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return ""
