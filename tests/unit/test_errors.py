"""What errors say, and what they must not say."""

from __future__ import annotations

import time

import pytest

from keelway.errors import (
    OUTPUT_LIMIT_BYTES,
    ConfigError,
    ConfigProblem,
    KeelwayError,
    PlanError,
    SessionError,
    StageError,
    ToolError,
    cut,
    redact,
    tail,
)


def test_a_config_problem_is_one_line_that_editors_can_follow() -> None:
    problem = ConfigProblem(
        file="keelway.toml",
        line=12,
        key="images.orders.platfroms",
        text="unknown key",
        suggestion="platforms",
    )
    line = "keelway.toml:12: images.orders.platfroms: unknown key. Did you mean 'platforms'?"
    assert str(problem) == line
    assert ConfigError([problem, problem]).diagnostics() == f"{line}\n{line}"


def test_diagnostics_tell_what_why_and_what_next() -> None:
    error = PlanError("no base", why="not pinned", next_step="run keelway base")
    assert error.diagnostics() == "no base\nwhy: not pinned\nnext: run keelway base"


def test_diagnostics_tell_what_else_failed() -> None:
    error = StageError("first", stage="scan")
    error.add_note("also failed: second")
    assert error.diagnostics() == "first\nalso failed: second"


def test_attempts_are_told_in_order() -> None:
    error = SessionError("no engine", tried=["one", "two"])
    assert error.diagnostics() == "no engine\ntried: one\ntried: two"


def test_a_tools_output_is_shown_at_its_end() -> None:
    output = "\n".join(f"line {number}" for number in range(100))
    error = ToolError("it failed", stage="build", command=["make"], code=2, output=output)
    text = error.diagnostics()
    assert "command: make\nexit code: 2\noutput:\n  [60 lines left out]\n  line 60" in text
    assert text.endswith("line 99")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("https://ci:pa55@registry.test/v2/", "https://***@registry.test/v2/"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ("authorization=Basic Y2k6cGFzcw==", "authorization=Basic ***"),
        ("token=bearer abcdefghijklmnopqrst", "token=bearer ***"),
        ("https://registry.test:5000/a@sha256:0", "https://registry.test:5000/a@sha256:0"),
        ("Basic usage", "Basic usage"),
        ("https://ghp_token@example.test/x", "https://***@example.test/x"),
    ],
)
def test_logins_are_masked_by_their_form(text: str, masked: str) -> None:
    assert redact(text) == masked


def test_values_are_masked_longest_first_and_trimmed() -> None:
    assert redact("abcdef abc", ["abc", "abcdef\n", "", " "]) == "*** ***"


def test_diagnostics_are_redacted_and_cut() -> None:
    error = KeelwayError("x" * 2 * OUTPUT_LIMIT_BYTES + " https://a:b@c/ s3cret")
    text = error.diagnostics(["s3cret"])
    assert text.endswith("https://***@c/ ***")
    assert len(text) < OUTPUT_LIMIT_BYTES + 100


def test_cutting_keeps_the_end_and_whole_characters() -> None:
    assert cut("é" * 10, limit_bytes=5) == "[15 bytes left out]\néé"
    assert cut("short") == "short"


def test_a_short_tail_is_whole() -> None:
    assert tail("a\nb\n") == "a\nb"


@pytest.mark.parametrize("unit", ["x", "x.", "a:", "://", "bearer ", "Authorization: ", "a@"])
def test_redacting_takes_no_longer_than_reading(unit: str) -> None:
    began = time.monotonic()
    redact(unit * (1_000_000 // len(unit)))
    assert time.monotonic() - began < 5
