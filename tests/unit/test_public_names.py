"""The public face of the package."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import keelway


def test_every_name_can_be_loaded() -> None:
    for name in keelway.__all__:
        assert getattr(keelway, name) is not None


def test_type_checkers_see_what_is_loaded() -> None:
    source = ast.parse(Path(keelway.__file__).read_text())
    seen = {
        (node.module, alias.name)
        for block in source.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    loaded = {(module, name) for name, module in keelway._MODULE_OF.items()}
    assert seen == loaded
    assert sorted(keelway._MODULE_OF) == keelway.__all__


def test_a_name_that_is_none_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        getattr(keelway, "nonsense")  # noqa: B009 - type checkers refuse it otherwise


def test_importing_and_planning_do_not_load_the_sdk() -> None:
    program = (
        "import keelway, sys; keelway.plan_release; keelway.Run; print('dagger' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
