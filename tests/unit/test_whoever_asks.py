"""What is asked of the engine once, by name: each name is a case's, or it would say nothing."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.engine.whoever_asks import ONCE, is_asked_once

ENGINE = Path(__file__).parents[1] / "engine"


def test_every_name_is_a_files_or_a_cases() -> None:
    cases: set[str] = set()
    for path in ENGINE.glob("test_*.py"):
        cases.add(path.name)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                cases.add(f"{path.name}::{node.name}")
    assert set(ONCE) - cases == set()


def test_a_file_stands_for_its_cases_and_what_commands_do_is_asked_of_both() -> None:
    assert is_asked_once("test_wire.py::test_token_is_asked_for")
    assert is_asked_once("test_git.py::test_repository_by_http")
    assert not is_asked_once("test_git.py::test_tree_has_the_files_of_the_ref")
    assert not is_asked_once("test_exec.py::test_arguments_reach_the_program_as_they_are")
