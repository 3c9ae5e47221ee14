"""The examples that modules open with are true."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

import keelway

ROOT = Path(keelway.__file__).parent
# What errors say is long, and has tests of its own.
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL


def modules() -> list[str]:
    """Return every module of the library that shows an example; the engine's tests have its own."""
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        if "engine" not in parts and ">>> " in path.read_text(encoding="utf-8"):
            found.append(".".join(part for part in parts if part != "__init__"))
    return found


@pytest.mark.parametrize("name", modules())
def test_example(name: str) -> None:
    tried = doctest.testmod(importlib.import_module(name), optionflags=OPTIONS)
    assert tried.attempted
    assert not tried.failed


def test_there_are_examples() -> None:
    assert len(modules()) > 15
