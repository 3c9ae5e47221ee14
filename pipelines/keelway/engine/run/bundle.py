"""The directory that an OCI runtime reads: `config.json`, and the files shown to the container."""

from __future__ import annotations

import dataclasses
import ipaddress
import json
import os
import shutil
from typing import TYPE_CHECKING

from keelway.engine.run.spec import Bind, Confinement, ExecSpec, oci_spec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from keelway.engine.run.names import Names

HOSTS = "/etc/hosts"
RESOLV_CONF = "/etc/resolv.conf"

_HOSTS_FILE = "hosts"
_HOST_RESOLV_CONF = "/etc/resolv.conf"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """One exec's directory, on a tmpfs; `name` is the container's id too."""

    path: Path
    names: Names | None = None
    """Whoever keeps the container's `/etc/hosts` up to date."""

    @property
    def name(self) -> str:
        """Return the container's id."""
        return self.path.name

    @property
    def runtime_state(self) -> Path:
        """Return where the runtime keeps its notes of all containers."""
        return self.path.parent / "runtime"

    @property
    def log(self) -> Path:
        """Return where the runtime says what went wrong before the command ran."""
        return self.path / "log"

    @property
    def pid_file(self) -> Path:
        """Return where the runtime writes the process id of the command."""
        return self.path / "pid"

    def remove(self) -> None:
        """Remove all of it, secrets included, and what a killed runtime could not remove."""
        if self.names is not None:
            self.names.leave(self.path / _HOSTS_FILE)
        shutil.rmtree(self.path, ignore_errors=True)
        shutil.rmtree(self.runtime_state / self.name, ignore_errors=True)


def write_bundle(path: Path, spec: ExecSpec, confinement: Confinement) -> Bundle:
    """Make the directory with everything in it.

    Raises:
        OSError: The state directory is full or gone.
    """
    path.mkdir(mode=0o700)
    files = [*_network_files(path, spec), *_secret_files(path, spec), *confinement.files]
    config = oci_spec(spec, dataclasses.replace(confinement, files=files))
    (path / "config.json").write_text(json.dumps(config))
    return Bundle(path=path, names=spec.names)


def file_targets(spec: ExecSpec) -> list[Bind]:
    """Return the binds that `write_bundle` will add, without their sources: for finding stubs."""
    names = [HOSTS, RESOLV_CONF, *(secret.target for secret in spec.secrets)]
    return [Bind(source=spec.root, target=name) for name in names]


def hosts_text(address: str | None, hostname: str, aliases: Mapping[str, str]) -> str:
    """Return /etc/hosts: loopback, the container itself, then the aliases."""
    lines = ["127.0.0.1\tlocalhost", "::1\tlocalhost ip6-localhost ip6-loopback"]
    lines.append(f"{address or '127.0.1.1'}\t{hostname}")
    lines += [f"{ipaddress.ip_address(where)}\t{name}" for name, where in aliases.items()]
    return "\n".join(lines) + "\n"


def resolv_text(nameserver: str | None, of_the_host: str) -> str:
    """Return /etc/resolv.conf: our name server, with the host's search domains and options."""
    if nameserver is None:
        return ""
    kept = [
        line
        for line in of_the_host.splitlines()
        if line.split()[:1] in (["search"], ["domain"], ["options"])
    ]
    return "\n".join([f"nameserver {nameserver}", *kept]) + "\n"


def network_resolv_text(nameserver: str | None) -> str:
    """Return /etc/resolv.conf for whoever is on the session's network."""
    return resolv_text(nameserver, _host_resolv() if nameserver else "")


def _network_files(path: Path, spec: ExecSpec) -> list[Bind]:
    network = spec.network
    hosts = path / _HOSTS_FILE
    address = None if network is None else network.address
    hosts.write_text(hosts_text(address, spec.hostname, spec.hosts))
    if spec.names is not None:
        spec.names.follow(hosts)
    resolv = path / "resolv.conf"
    resolv.write_text(network_resolv_text(network.nameserver if network is not None else None))
    for file in (hosts, resolv):
        file.chmod(0o644)
    return [Bind(source=hosts, target=HOSTS), Bind(source=resolv, target=RESOLV_CONF)]


def _host_resolv() -> str:
    try:
        with open(_HOST_RESOLV_CONF) as file:  # noqa: PTH123 - a fixed path
            return file.read()
    except OSError:
        return ""


def _secret_files(path: Path, spec: ExecSpec) -> list[Bind]:
    binds: list[Bind] = []
    for number, secret in enumerate(spec.secrets):
        file = path / f"secret{number}"
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(secret.data)
            os.fchown(descriptor, secret.uid, secret.gid)
            os.fchmod(descriptor, secret.mode)
        binds.append(Bind(source=file, target=secret.target, readonly=True))
    return binds
