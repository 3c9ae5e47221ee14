"""The keys that hosts must have: read from a known_hosts file, and never learnt from the host."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import asyncssh

from keelway.deploy.host import HostError
from keelway.model.host_address import SSH_PORT

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class KnownHosts:
    """A known_hosts file."""

    path: str
    text: str

    def parsed(self) -> asyncssh.SSHKnownHosts:
        """Return it as the SSH library takes it."""
        return asyncssh.import_known_hosts(self.text)

    def lines_about(self, host: str, address: str, port: int) -> Iterator[int]:
        """Yield the lines that say which key a host has, counted from 1."""
        for number, line in enumerate(self.text.splitlines(), start=1):
            try:
                found = asyncssh.import_known_hosts(f"{line}\n").match(host, address, port)
            except ValueError:
                continue
            if any(found):
                yield number


def read_known_hosts(path: str, host: str) -> KnownHosts:
    """Return the file; whatever it does not name is not trusted.

    Raises:
        HostError: It cannot be read, so that no key can be checked.
    """
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
        asyncssh.import_known_hosts(text)
    except OSError as error:
        raise HostError(
            f"{host} is not trusted: the file of known hosts {path} cannot be read",
            host=host,
            why=error.strerror,
            next_step=f"write the hosts' keys into {path}, or name another file with known_hosts",
        ) from error
    except ValueError as error:
        raise HostError(
            f"{host} is not trusted: {path} is no file of known hosts", host=host, why=str(error)
        ) from error
    return KnownHosts(path, text)


class Verifier(asyncssh.SSHClient):
    """Refuses keys that the file does not have, and keeps what was shown."""

    def __init__(self) -> None:
        """Nothing was shown yet."""
        self.shown: tuple[str, str, asyncssh.SSHKey] | None = None

    def validate_host_public_key(
        self, host: str, addr: str, port: int, key: asyncssh.SSHKey
    ) -> bool:
        """Refuse: the library asks only about keys that the file does not have."""
        del port
        self.shown = host, addr, key
        return False


def refused(known: KnownHosts, verifier: Verifier, host: str, port: int, why: str) -> HostError:
    """Return the error for a host that shows a key which is not its own.

    Args:
        known: The file.
        verifier: What was shown.
        host: As it is written.
        port: Where it listens.
        why: What the library said.
    """
    address, shown = host, ""
    entry = ""
    if verifier.shown is not None:
        _, address, key = verifier.shown
        shown = f"it shows {key.get_algorithm()} {key.get_fingerprint()}"
        named = host if port == SSH_PORT else f"[{host}]:{port}"
        entry = f"{named} {key.export_public_key().decode().strip()}"
    lines = list(known.lines_about(host, address, port))
    if not lines:
        return HostError(
            f"{host} is not trusted: {known.path} has no key of it",
            host=host,
            why=shown or why,
            next_step="compare it with what `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` "
            f"says on the host; if it is the same, add to {known.path}: {entry}",
        )
    places = ", ".join(f"{known.path}:{number}" for number in lines)
    return HostError(
        f"the host key of {host} is not the one in {places}: nothing was sent to it",
        host=host,
        why=shown or why,
        next_step="somebody may be between you and the host. Only if you know that its key was "
        f"changed: replace {places}",
    )
