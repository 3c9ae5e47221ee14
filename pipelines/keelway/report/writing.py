"""Files of the report directory, each whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from keelway._kept import make_directory
from keelway._replacing import replace_file
from keelway.errors import KeelwayError

if TYPE_CHECKING:
    from keelway.report.document import ReportDocument

REPORT_FILE = "report.json"


def write_report(document: ReportDocument, directory: str) -> Path:
    """Write `report.json`, whole or not at all, and return its path.

    Raises:
        KeelwayError: When the directory cannot be written to.
    """
    return write_file(directory, REPORT_FILE, document.model_dump_json(indent=2) + "\n")


def write_file(directory: str, name: str, text: str) -> Path:
    """Write a file under the report directory and return its path.

    Args:
        directory: The report directory.
        name: The file's path below it.
        text: What is in it.

    Raises:
        KeelwayError: When the directory cannot be written to.
    """
    target = Path(directory) / name
    try:
        make_directory(Path(directory))
        target.parent.mkdir(parents=True, exist_ok=True)
        replace_file(target, text)
    except OSError as error:
        raise KeelwayError(
            f"cannot write {target}: {error.strerror}",
            next_step="make the report directory writable, or set another one under [report]",
        ) from error
    return target
