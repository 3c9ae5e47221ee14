"""The pages of a finished run, made again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from keelway._cli import output
from keelway._kept import REPORT_DIRECTORY
from keelway.config import load_config
from keelway.errors import ConfigError, KeelwayError
from keelway.report.forms import Form
from keelway.report.pages import rendered, write_pages
from keelway.report.reading import read_report
from keelway.report.writing import REPORT_FILE

if TYPE_CHECKING:
    from collections.abc import Sequence

_OUTPUT = Path("-")


def make_pages(path: Path | None, forms: Sequence[Form] | None, to: Path | None) -> None:
    """Write the forms of a report and name their files; or print the only one.

    Raises:
        KeelwayError: There is no such report, it is none, or the files cannot be written.
    """
    file = _file(path)
    document = read_report(file)
    wanted = tuple(dict.fromkeys(forms or Form))
    if to == _OUTPUT:
        texts = [text for form in wanted for text in rendered(document, form).values()]
        if len(texts) != 1:
            raise KeelwayError(
                f"standard output takes one file, and these are {len(texts)}",
                next_step="choose one by --format html, markdown or junit",
            )
        output.result(texts[0].rstrip("\n"))
        return
    directory = file.parent if to is None else to
    for written in write_pages(document, wanted, str(directory)):
        output.result(str(written))


def _file(path: Path | None) -> Path:
    """Return which file is meant."""
    if path is None:
        return _configured() / REPORT_FILE
    return path / REPORT_FILE if path.is_dir() else path


def _configured() -> Path:
    """Return the report directory of the configuration; the default one where there is none."""
    try:
        loaded = load_config(Path.cwd(), None)
    except ConfigError:
        return Path(REPORT_DIRECTORY)
    return loaded.root / loaded.config.report.directory
