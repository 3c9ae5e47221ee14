"""What the command line writes when something failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway._cli.output import failure

if TYPE_CHECKING:
    import pytest


def test_what_a_container_wrote_commands_no_ci(capsys: pytest.CaptureFixture[str]) -> None:
    failure("make failed\nwhy: a\n::add-mask::x\n  ::stop-commands::y\n##[error]z\na::b")
    assert capsys.readouterr().err.splitlines() == [
        "error: make failed",
        "  why: a",
        "  | ::add-mask::x",
        "  |   ::stop-commands::y",
        "  | ##[error]z",
        "  a::b",
    ]
