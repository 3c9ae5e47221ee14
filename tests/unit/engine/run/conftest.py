"""A small root file system, and an ordinary account of this machine."""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import debian
from tests.support.missing import missing, need
from tests.support.sample_images import ACCOUNTS, APPLETS, GROUPS
from tests.unit.engine.run.sandboxed import Account

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


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
def account() -> Iterator[Account]:
    """An ordinary user with subordinate ids, made for this run and removed after it."""
    if os.geteuid() != 0:
        missing("root, to make a user")
    need("newuidmap", package="uidmap")
    useradd = need("useradd", package="passwd")
    name = f"kw-test-{os.getpid()}"
    subprocess.run(
        [useradd, "--no-create-home", "--add-subids-for-system", "--system", name], check=True
    )
    try:
        entry = pwd.getpwnam(name)
        if name not in Path("/etc/subuid").read_text():
            missing("subordinate ids for a new user (useradd gave none)")
        yield Account(uid=entry.pw_uid, gid=entry.pw_gid, name=name)
    finally:
        subprocess.run([need("userdel", package="passwd"), name], check=True)
