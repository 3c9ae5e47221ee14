"""JUnit's XML, as test tools write it: what each test said.

Example:
    >>> cases = parse_junit('<testsuite><testcase classname="api" name="get" time="0.2"/>'
    ...                     '<testcase name="put"><failure message="409"/></testcase></testsuite>')
    >>> [(case.label, str(case.status), case.message) for case in cases]
    [('api.get', 'passed', ''), ('put', 'failed', '409')]
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from keelway.errors import ToolOutputError, cut
from keelway.model.tests import CaseResult, CaseStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

_OUTPUT_BYTES = 16 * 1024
_STATUSES = {
    "failure": CaseStatus.FAILED,
    "error": CaseStatus.ERROR,
    "skipped": CaseStatus.SKIPPED,
}


def parse_junit(text: str) -> tuple[CaseResult, ...]:
    """Return all tests of a file, in its order.

    Raises:
        ToolOutputError: It is no JUnit file.
    """
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise _unreadable(text, "it declares entities, which no test tool does")
    try:
        # Without declarations there is nothing in XML that grows.
        root = ET.fromstring(text)  # noqa: S314 - see above
    except ET.ParseError as error:
        raise _unreadable(text, str(error)) from error
    if root.tag not in {"testsuites", "testsuite"}:
        raise _unreadable(text, f"its root is <{root.tag}>")
    return tuple(_cases(root))


def _cases(root: ET.Element) -> Iterator[CaseResult]:
    for case in root.iter("testcase"):
        status, message, details = _ending(case)
        written = [
            part.text or "" for tag in ("system-out", "system-err") for part in case.iter(tag)
        ]
        yield CaseResult(
            name=case.get("name", "unnamed"),
            classname=case.get("classname", ""),
            seconds=_seconds(case.get("time", "")),
            status=status,
            message=message,
            output=cut("\n".join(filter(str.strip, [details, *written])), _OUTPUT_BYTES),
        )


def _ending(case: ET.Element) -> tuple[CaseStatus, str, str]:
    for tag, status in _STATUSES.items():
        found = case.find(tag)
        if found is not None:
            details = (found.text or "").strip()
            message = found.get("message") or details.partition("\n")[0] or found.get("type") or tag
            return status, message, details
    return CaseStatus.PASSED, "", ""


def _seconds(text: str) -> float:
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return 0.0


def _unreadable(text: str, why: str) -> ToolOutputError:
    return ToolOutputError("not a JUnit file", stage="integration", text=text, why=why)
