"""The system call filter: chosen by machine and capabilities, compiled, and seen to hold."""

from __future__ import annotations

import base64
import ctypes
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from keelway.engine.run import runtime as runtime_module
from keelway.engine.run.seccomp import (
    ALLOW_ALL,
    Filter,
    compile_profile,
    default_filter,
    oci_profile,
    own_profile,
)
from keelway.engine.run.spec import DEFAULT_CAPABILITIES
from tests.support.missing import missing
from tests.unit.engine.run.sandboxed import Box, in_sandbox

if TYPE_CHECKING:
    from keelway.engine.run.enter import Sandbox

DATA: dict[str, Any] = {
    "defaultAction": "SCMP_ACT_ERRNO",
    "defaultErrnoRet": 38,
    "archMap": [
        {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]},
        {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]},
    ],
    "syscalls": [
        {"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [], "includes": {}, "excludes": {}},
        {"names": ["arm"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["arm64"]}},
        {"names": ["mount"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
        {
            "names": ["mount"],
            "action": "SCMP_ACT_ERRNO",
            "errnoRet": 1,
            "excludes": {"caps": ["CAP_SYS_ADMIN"]},
        },
        {"names": ["chroot"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_CHROOT"]}},
    ],
}


@pytest.fixture
def libseccomp() -> None:
    try:
        ctypes.CDLL("libseccomp.so.2")
    except OSError:
        missing("libseccomp.so.2 (package libseccomp2)")


def test_rules_for_others_are_left_out() -> None:
    profile = oci_profile(DATA, "x86_64", DEFAULT_CAPABILITIES)
    assert profile["architectures"] == ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]
    assert profile["defaultErrnoRet"] == 38
    assert profile["syscalls"] == [
        {"names": ["read"], "action": "SCMP_ACT_ALLOW"},
        {"names": ["mount"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1},
        {"names": ["chroot"], "action": "SCMP_ACT_ALLOW"},
    ]
    powerful = oci_profile(DATA, "aarch64", ["CAP_SYS_ADMIN"])
    rules: Any = powerful["syscalls"]
    assert [rule["names"][0] for rule in rules] == ["read", "arm", "mount"]


@pytest.mark.usefixtures("libseccomp")
def test_compiling_gives_instructions() -> None:
    allow = compile_profile({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": []})
    own = compile_profile(own_profile("x86_64"))
    assert len(allow) % 8 == len(own) % 8 == 0
    assert len(own) > len(allow) + 8 * 50
    assert base64.b64decode(ALLOW_ALL) == bytes.fromhex("060000000000ff7f")


@pytest.mark.usefixtures("libseccomp")
def test_the_default_filter_is_compiled_once() -> None:
    assert default_filter() is default_filter()
    assert default_filter().program is not None


@pytest.mark.usefixtures("libseccomp")
@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("kind", ["installed", "own"])
def test_a_filter_holds(
    rootfs: Path, monkeypatch: pytest.MonkeyPatch, kind: str, *, compiled: bool
) -> None:
    found = default_filter()
    if kind == "own":
        profile = own_profile("x86_64")
        program = base64.b64encode(compile_profile(profile)).decode()
        found = Filter(profile=profile, program=program)
    monkeypatch.setattr(runtime_module, "default_filter", lambda: found)

    def work(sandbox: Sandbox) -> None:
        box = Box.make(sandbox, Path("/"))
        assert box.runtime.takes_program is (box.runtime.name == "crun")
        box.runtime = replace(box.runtime, takes_program=compiled and box.runtime.takes_program)
        assert "Seccomp:\t2" in box.sh("cat /proc/self/status").text
        assert b"not permitted" in box.run("unshare", "-U", "true", code=1).stderr
        assert b"not permitted" in box.run("unshare", "-m", "true", code=1).stderr
        # Threads and processes still work, and so does what the capabilities are for.
        script = "import threading as t; x = t.Thread(target=print, args=[7]); x.start(); x.join()"
        assert box.run("/usr/bin/python3", "-c", script).text == "7\n"
        assert box.run("chroot", "/", "/bin/sh", "-c", "echo in").text == "in\n"

    in_sandbox(work)
    assert rootfs.exists()
