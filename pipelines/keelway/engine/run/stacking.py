"""Whether layers can be stacked where the store is: tried, since file systems differ."""

from __future__ import annotations

from pathlib import Path

from keelway.engine.errors import EngineError
from keelway.engine.run import overlay


def demand_stacking(folder: Path) -> None:
    """Try an overlay with all that layers need on the file system of an empty folder.

    Raises:
        EngineError: It does not work there; names the file system, and what to do.
    """
    lower, upper, work, merged = parts = [folder / name for name in ("l", "u", "w", "m")]
    try:
        for part in (*parts, lower / "replaced", lower / "removed"):
            part.mkdir()
        with overlay.mount_overlay([lower], upper=upper, work=work, target=merged):
            (merged / "removed").rmdir()  # a whiteout
            (merged / "replaced").rmdir()
            (merged / "replaced").mkdir()  # with the attribute of one that hides the lower one
    except OSError as error:
        kind, where = _file_system(folder)
        raise EngineError(
            f"layers cannot be stacked on the file system of the store ({kind}, mounted at "
            f"{where}): {error.strerror}. Set KEELWAY_STORE to a directory on ext4, xfs, btrfs or "
            "tmpfs; in a container, which is itself on an overlay, to one on a volume"
        ) from error


def _file_system(path: Path) -> tuple[str, str]:
    """Return the kind of a file system and where it is mounted (proc_pid_mountinfo(5))."""
    found = ("unknown", "/")
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields, _, source = line.partition(" - ")
        where = fields.split()[4].encode().decode("unicode_escape")
        if path.resolve().is_relative_to(where) and len(where) >= len(found[1]):
            found = (source.split()[0], where)
    return found
