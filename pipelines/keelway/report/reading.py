"""`report.json`, read again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from keelway.errors import KeelwayError
from keelway.report.document import ReportDocument

if TYPE_CHECKING:
    from pathlib import Path


def read_report(file: Path) -> ReportDocument:
    """Return the report of a run; reports of older versions lack what they did not know.

    Raises:
        KeelwayError: The file is not there, or is no report.
    """
    try:
        return ReportDocument.model_validate_json(file.read_bytes())
    except OSError as error:
        raise KeelwayError(
            f"cannot read {file}: {error.strerror}",
            next_step="name the report.json of a run, or run `keelway release` first",
        ) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise KeelwayError(
            f"{file} is no report of this version of keelway",
            why=f"{where or 'the file'}: {first['msg']}",
            next_step="use the version of keelway that wrote it, or run again",
        ) from error
