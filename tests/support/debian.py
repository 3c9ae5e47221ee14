"""Debian packages of any architecture, fetched by apt into a cache without touching the host.

apt runs with its own source list, state and cache folders, so that neither the package lists nor
the foreign architectures of the machine are changed, and no root is needed.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.missing import missing, need

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SUITE = "bookworm"
MIRROR = os.environ.get("KEELWAY_TEST_MIRROR", "http://deb.debian.org/debian")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def cache_folder() -> Path:
    """Return the folder that keeps packages between test runs."""
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root) / "keelway-tests" / f"debian-{SUITE}"


def fetch(package: str, architectures: Sequence[str]) -> Mapping[str, Path]:
    """Return the `.deb` of one version of `package` for each architecture, from the cache or apt.

    Skips the test when apt is missing or the mirror cannot be reached.
    """
    folder = cache_folder()
    cached = _cached(folder, package, architectures)
    if cached is None:
        _download(folder, package, architectures)
        cached = _cached(folder, package, architectures)
    if cached is None:
        missing(f"the Debian package {package} for {', '.join(architectures)} from {MIRROR}")
    return cached


def unpack(deb: Path, target: Path) -> None:
    """Unpack the files of a package into `target`."""
    need("dpkg-deb", package="dpkg")
    subprocess.run(["dpkg-deb", "-x", str(deb), str(target)], check=True)


def _cached(folder: Path, package: str, architectures: Sequence[str]) -> Mapping[str, Path] | None:
    """Return the newest version that is there for every architecture."""
    for newest in sorted(folder.glob(f"{package}_*_{architectures[0]}.deb"), reverse=True):
        stem = newest.name.removesuffix(f"_{architectures[0]}.deb")
        found = {name: folder / f"{stem}_{name}.deb" for name in architectures}
        if all(path.exists() for path in found.values()):
            return found
    return None


def _download(folder: Path, package: str, architectures: Sequence[str]) -> None:
    """Let apt bring the packages; they appear in the cache by rename, so never half."""
    apt = need("apt-get", package="apt")
    if not KEYRING.exists():
        missing(f"{KEYRING} (package debian-archive-keyring)")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".apt-") as name:
        state = Path(name)
        options = _apt_options(state, architectures)
        wanted = [f"{package}:{architecture}" for architecture in architectures]
        for words in (["update"], ["download", *wanted]):
            done = subprocess.run(
                [apt, *options, "-qq", *words],
                cwd=state,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                missing(f"{package} from {MIRROR}: apt-get {words[0]}: {done.stderr.strip()}")
        for deb in state.glob("*.deb"):
            deb.rename(folder / deb.name)


def _apt_options(state: Path, architectures: Sequence[str]) -> list[str]:
    (state / "sources.list").write_text(f"deb [signed-by={KEYRING}] {MIRROR} {SUITE} main\n")
    (state / "status").touch()
    for name in ("lists/partial", "cache/archives/partial"):
        (state / name).mkdir(parents=True)
    settings = {
        "Dir::Etc::sourcelist": str(state / "sources.list"),
        "Dir::Etc::sourceparts": "-",
        "Dir::State::lists": str(state / "lists"),
        "Dir::State::status": str(state / "status"),
        "Dir::Cache": str(state / "cache"),
        "APT::Architecture": architectures[0],
        "APT::Architectures": ",".join(architectures),
        "APT::Sandbox::User": "root",
        # The bare index is enough; the desktop's component lists are most of the bytes.
        "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
    }
    return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]
