"""The reports for people, made of `report.json` and nothing else: HTML, Markdown, badges, JUnit.

Example:
    >>> [form.value for form in Form]
    ['html', 'markdown', 'junit', 'badge']
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.report.badges import badge_files
from keelway.report.document import FilePart
from keelway.report.document_junit import DOCUMENT_JUNIT_FILE, document_junit
from keelway.report.forms import BESIDE, Form
from keelway.report.markdown import MARKDOWN_FILE, markdown
from keelway.report.page.page import PAGE_FILE, html_page
from keelway.report.writing import write_file, write_report

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from keelway.report.document import ReportDocument


def rendered(document: ReportDocument, form: Form) -> Mapping[str, str]:
    """Return the files of one form by their names below the report directory."""
    match form:
        case Form.HTML:
            return {PAGE_FILE: html_page(document)}
        case Form.MARKDOWN:
            return {MARKDOWN_FILE: markdown(document)}
        case Form.JUNIT:
            return {DOCUMENT_JUNIT_FILE: document_junit(document)}
        case Form.BADGE:
            return badge_files(document)


def write_reports(document: ReportDocument, directory: str) -> ReportDocument:
    """Write `report.json` and what people read beside it; return it with all its files named.

    Raises:
        KeelwayError: When the directory cannot be written to.
    """
    badges = (FilePart(kind="badge", path=name) for name in badge_files(document))
    pages = (
        FilePart(kind="html", path=PAGE_FILE),
        FilePart(kind="markdown", path=MARKDOWN_FILE),
        *badges,
    )
    whole = document.model_copy(update={"files": (*document.files, *pages)})
    write_report(whole, directory)
    write_pages(whole, BESIDE, directory)
    return whole


def write_pages(
    document: ReportDocument, forms: Iterable[Form], directory: str
) -> tuple[Path, ...]:
    """Write the forms of a report, and return their paths.

    Raises:
        KeelwayError: When the directory cannot be written to.
    """
    return tuple(
        write_file(directory, name, text)
        for form in forms
        for name, text in rendered(document, form).items()
    )
