"""Whether the kernel runs programs of another platform."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from keelway.engine.run import binfmt
from keelway.engine.run.foreign import header, is_emulated
from tests.support.missing import foreign_architecture, missing, need_emulator, root_only
from tests.unit.engine.run.sandboxed import in_sandbox

if TYPE_CHECKING:
    from keelway.engine.run.enter import Sandbox


@pytest.fixture(autouse=True)
def anew() -> None:
    """Forget what was found before."""
    is_emulated.cache_clear()


def test_header_is_the_one_of_such_a_program() -> None:
    with Path("/proc/self/exe").open("rb") as program:
        own = program.read(20)
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
    ours = header(architecture)
    assert ours[:7] == own[:7]
    assert ours[18:20] == own[18:20]
    assert header("s390x")[4:6] == b"\x02\x02"
    assert header("s390x")[18:20] == b"\x00\x16"


def test_a_platform_that_nobody_emulates_is_not_run() -> None:
    root_only("chroot(2) is root's")
    registered = [path.name for path in binfmt.FOLDER.glob("*loongarch*")]
    if registered:
        missing(f"a platform that is not registered: {registered}")
    assert not is_emulated("loong64")
    assert not is_emulated("vax")


def test_what_is_registered_is_seen() -> None:
    need_emulator()

    def work(_sandbox: Sandbox) -> bool:
        binfmt.ensure(f"linux/{foreign_architecture()}")
        return is_emulated(foreign_architecture())

    assert in_sandbox(work)
