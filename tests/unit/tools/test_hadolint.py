"""hadolint: what to type, what it says."""

from __future__ import annotations

import pytest

from keelway._tools.hadolint import HADOLINT, check_argv
from keelway._tools.hadolint_report import parse_findings
from keelway.errors import ToolOutputError


def test_findings_do_not_make_it_fail() -> None:
    assert check_argv("/input/Dockerfile") == (
        "--no-fail", "--no-color", "--format", "json", "/input/Dockerfile",
    )  # fmt: skip


def test_its_version() -> None:
    assert HADOLINT.parse_version("Haskell Dockerfile Linter 2.15.1") == "2.15.1"


def test_findings() -> None:
    text = (
        '[{"code":"DL3020","column":1,"file":"/input/Dockerfile","level":"error","line":2,'
        '"message":"Use COPY instead of ADD for files and folders"}]'
    )
    (finding,) = parse_findings(text)
    assert (finding.line, finding.level) == (2, "error")
    assert finding.shown == "DL3020: Use COPY instead of ADD for files and folders"
    assert parse_findings("[]") == ()


@pytest.mark.parametrize("text", ["", "[{", '[{"line": 1}]', '{"line": 1}'])
def test_half_a_report_is_an_error(text: str) -> None:
    with pytest.raises(ToolOutputError):
        parse_findings(text)
