"""What a report can be made into."""

from enum import StrEnum


class Form(StrEnum):
    """What `keelway report --format` takes."""

    HTML = "html"
    MARKDOWN = "markdown"
    JUNIT = "junit"
    BADGE = "badge"


BESIDE = (Form.HTML, Form.MARKDOWN, Form.BADGE)
"""What every run leaves beside `report.json`; its JUnit files are one for each tool."""
