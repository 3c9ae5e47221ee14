"""What a host has to run containers with, and how to install what it lacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway._tools.compose_program import ComposeProgram, Kind, parse_version
from keelway._tools.container_engine import parse_engine_version
from keelway.deploy.host import STAGE
from keelway.errors import StageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway._tools.container_engine import EngineName
    from keelway.deploy.host import Host

_PROBE_TIMEOUT_S = 30
_COMPOSE: dict[str, tuple[tuple[Kind, tuple[str, ...], tuple[str, ...]], ...]] = {
    "docker": (
        ("plugin", ("docker", "compose"), ("version", "--short")),
        ("standalone", ("docker-compose",), ("version", "--short")),
    ),
    "podman": (
        ("podman-compose", ("podman-compose",), ("--version",)),
        ("podman", ("podman", "compose"), ("version",)),
    ),
}
# By ID or ID_LIKE of /etc/os-release: what brings an engine with a compose program.
_INSTALL: dict[str, dict[str, str]] = {
    "ubuntu": {
        "docker": "apt-get install docker.io docker-compose-v2",
        "podman": "apt-get install podman podman-compose",
    },
    "debian": {
        "docker": "apt-get install docker.io docker-compose",
        "podman": "apt-get install podman podman-compose catatonit",
    },
    "fedora": {
        "docker": "dnf install moby-engine docker-compose",
        "podman": "dnf install podman podman-compose",
    },
    "rhel": {
        "docker": "dnf install docker-ce docker-compose-plugin (from download.docker.com)",
        "podman": "dnf install podman, and pip install podman-compose",
    },
    "alpine": {
        "docker": "apk add docker docker-cli-compose",
        "podman": "apk add podman podman-compose",
    },
    "arch": {
        "docker": "pacman -S docker docker-compose",
        "podman": "pacman -S podman podman-compose",
    },
    "suse": {
        "docker": "zypper install docker docker-compose",
        "podman": "zypper install podman podman-compose",
    },
}
_ELSEWHERE = {
    "docker": "install Docker Engine with its compose plugin: https://docs.docker.com/engine/install",
    "podman": "install Podman (https://podman.io/docs/installation) and podman-compose",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundEngine:
    """An engine and its compose program, on one host."""

    engine: EngineName
    version: str
    compose: ComposeProgram


async def find_engine(host: Host, wanted: str) -> FoundEngine:
    """Return the engine that a host has.

    Args:
        host: The machine.
        wanted: `docker`, `podman`, or `auto`: Docker where it answers, else Podman.

    Raises:
        HostError: The host is lost.
        StageError: It has none, or no compose program for it; says what to install.
    """
    names: tuple[EngineName, ...] = ("docker", "podman")
    tried: list[str] = []
    for engine in names:
        if wanted not in {engine, "auto"}:
            continue
        found = await _probe(host, engine)
        if not isinstance(found, str):
            return found
        tried.append(found)
    install = _install_words(await host.read("/etc/os-release") or b"", wanted)
    raise StageError(
        f"{host.name} cannot run the services: {'; '.join(tried)}",
        stage=STAGE,
        next_step=f"on {host.name}: {install}",
    )


async def _probe(host: Host, engine: EngineName) -> FoundEngine | str:
    """Return the engine, or what is wrong with it."""
    asked = await host.run(
        (engine, "version", "--format", "{{json .}}"), timeout_s=_PROBE_TIMEOUT_S
    )
    if asked.code == 127:  # noqa: PLR2004 - what shells and `Host` say of a missing program
        return f"{engine} is not installed"
    version = parse_engine_version(asked.text, engine) if asked.code == 0 else None
    if version is None:
        first = (asked.complaint.splitlines() or ["it says nothing"])[0]
        return f"{engine} does not answer ({first})"
    for kind, words, question in _COMPOSE[engine]:
        said = await host.run((*words, *question), timeout_s=_PROBE_TIMEOUT_S)
        if said.code == 0:
            compose = ComposeProgram(kind=kind, words=words, version=parse_version(said.text))
            return FoundEngine(engine=engine, version=version, compose=compose)
    names = " nor ".join(f"`{' '.join(words)}`" for _, words, _ in _COMPOSE[engine])
    return f"{engine} {version} has neither {names}"


def _install_words(os_release: bytes, wanted: str) -> str:
    r"""Return the command that installs what is missing.

    >>> _install_words(b'ID=debian\n', "podman")
    'apt-get install podman podman-compose catatonit'
    >>> _install_words(b'ID=rocky\nID_LIKE="rhel centos fedora"\n', "podman")
    'dnf install podman, and pip install podman-compose'
    """
    engine = "docker" if wanted == "auto" else wanted
    for name in _systems(os_release.decode(errors="replace").splitlines()):
        if name in _INSTALL:
            return _INSTALL[name][engine]
    return _ELSEWHERE[engine]


def _systems(lines: Sequence[str]) -> list[str]:
    pairs = (line.partition("=") for line in lines)
    values = {key: value.strip("\"' ") for key, _, value in pairs}
    return [*values.get("ID", "").split(), *values.get("ID_LIKE", "").split()]
