"""A small root file system, and an ordinary account of this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import debian
from tests.support.missing import missing, need
from tests.support.sample_images import ACCOUNTS, APPLETS, GROUPS
from tests.unit.engine.run.sandboxed import Account

if TYPE_CHECKING:
    from collections.abc import Callable

ACCOUNT_NAME = "keelway-unit-test"
ACCOUNT_ID = 64_208
ACCOUNT_LINES = {
    "passwd": f"{ACCOUNT_NAME}:x:{ACCOUNT_ID}:{ACCOUNT_ID}::/nonexistent:/bin/sh",
    "group": f"{ACCOUNT_NAME}:x:{ACCOUNT_ID}:",
    "subuid": f"{ACCOUNT_NAME}:2000000000:65536",
    "subgid": f"{ACCOUNT_NAME}:2000000000:65536",
}
"""A user whose ids no machine gives away by itself."""


def make_root(target: Path, busybox: bytes) -> Path:
    """Lay out busybox with accounts, and nothing that a runtime would want to mount on."""
    (target / "bin").mkdir(parents=True)
    (target / "bin" / "busybox").write_bytes(busybox)
    (target / "bin" / "busybox").chmod(0o755)
    for name in APPLETS.split():
        (target / "bin" / name).symlink_to("busybox")
    (target / "etc").mkdir()
    (target / "etc" / "passwd").write_text(ACCOUNTS)
    (target / "etc" / "group").write_text(GROUPS)
    (target / "tmp").mkdir()
    (target / "tmp").chmod(0o1777)
    return target


@pytest.fixture(scope="session")
def busybox(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], bytes]:
    """Give the static busybox of an architecture."""
    work = tmp_path_factory.mktemp("busybox")
    packages = debian.fetch("busybox-static", ("amd64", "arm64"))

    def program(architecture: str) -> bytes:
        folder = work / architecture
        if not folder.exists():
            debian.unpack(packages[architecture], folder)
        return (folder / "bin" / "busybox").read_bytes()

    return program


@pytest.fixture(scope="session")
def native() -> str:
    """Debian's name of this machine's architecture."""
    return {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]


@pytest.fixture(scope="session")
def rootfs(
    tmp_path_factory: pytest.TempPathFactory, busybox: Callable[[str], bytes], native: str
) -> Path:
    """A layer that commands can run in."""
    return make_root(tmp_path_factory.mktemp("rootfs") / "layer", busybox(native))


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Account:
    """An ordinary user with subordinate ids, whom nobody but these tests ever sees."""
    if os.geteuid() != 0:
        missing("root, to become another user")
    need("newuidmap", package="uidmap")
    files = tmp_path_factory.mktemp("etc")
    for name, line in ACCOUNT_LINES.items():
        known = Path("/etc", name)
        if not known.exists():
            missing(f"{known}, which names the subordinate ids of users")
        (files / name).write_text(known.read_text().rstrip() + f"\n{line}\n")
    return Account(uid=ACCOUNT_ID, gid=ACCOUNT_ID, name=ACCOUNT_NAME, files=files)
