"""The binary behind a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keelway._tools.binary import is_static, locate_binary
from keelway._tools.tool import Tool
from keelway.errors import PlanError
from tests.support.static_elf import write_static_elf

if TYPE_CHECKING:
    from pathlib import Path

TOOL = Tool(name="tool", minimum=(1, 0), package="a-tool", inside=("a_tool/bin/tool",))


def test_a_static_binary_is_itself(tmp_path: Path) -> None:
    binary = write_static_elf(tmp_path / "tool")
    link = tmp_path / "link"
    link.symlink_to(binary)
    assert locate_binary(TOOL, link) == binary.resolve()


def test_a_wrapper_script_leads_to_its_package(tmp_path: Path) -> None:
    script = tmp_path / "bin" / "tool"
    inside = tmp_path / "lib" / "python3.11" / "site-packages" / "a_tool" / "bin"
    inside.mkdir(parents=True)
    script.parent.mkdir()
    script.write_text("#!/usr/bin/env python3\n")
    binary = write_static_elf(inside / "tool")
    assert locate_binary(TOOL, script) == binary.resolve()


def test_a_dynamic_binary_is_refused_with_the_reason(tmp_path: Path) -> None:
    binary = write_static_elf(tmp_path / "tool", interpreted=True)
    with pytest.raises(PlanError, match="linked dynamically") as raised:
        locate_binary(TOOL, binary)
    assert "empty container" in raised.value.diagnostics()


def test_a_script_with_nothing_behind_it_is_refused(tmp_path: Path) -> None:
    script = tmp_path / "tool"
    script.write_text("#!/bin/sh\n")
    with pytest.raises(PlanError, match="not a binary") as raised:
        locate_binary(TOOL, script)
    assert "package a-tool" in raised.value.diagnostics()


def test_no_command_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError):
        locate_binary(TOOL, tmp_path / "nothing")


def test_a_loader_is_seen(tmp_path: Path) -> None:
    assert is_static(write_static_elf(tmp_path / "a"))
    assert not is_static(write_static_elf(tmp_path / "b", interpreted=True))
