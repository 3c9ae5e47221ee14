"""How a host is written: `local`, or `ssh://deploy@web1.example.com:22`.

Example:
    >>> parse_host("ssh://deploy@web1.example.com:2222/srv/orders")
    HostAddress(host='web1.example.com', user='deploy', port=2222, folder='/srv/orders')
    >>> parse_host("local")
    HostAddress(host=None, user=None, port=22, folder=None)
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LOCAL = "local"
SSH_PORT = 22
_PORTS = 65535

# No shell reads any of it, but what people read must not be forged by what is in it.
_SSH = re.compile(
    r"ssh://(?:(?P<user>[A-Za-z0-9_][A-Za-z0-9_.-]*)@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<folder>/[^\s?#]*)?"
)


@dataclass(frozen=True, slots=True)
class HostAddress:
    """Where a host is."""

    host: str | None = None
    """Its name or address; nothing for this machine."""
    user: str | None = None
    """The account to work as; that of whoever deploys where nothing is written."""
    port: int = SSH_PORT
    folder: str | None = None
    """The folder there, where it is another one than the target's."""

    def __str__(self) -> str:
        """Return it as it is written, without the folder."""
        if self.host is None:
            return LOCAL
        user = "" if self.user is None else f"{self.user}@"
        shown = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == SSH_PORT else f":{self.port}"
        return f"ssh://{user}{shown}{port}"


def parse_host(text: str) -> HostAddress:
    """Return what is written.

    Raises:
        ValueError: It is no host.
    """
    if text == LOCAL:
        return HostAddress()
    if text.startswith(f"{LOCAL}:/"):
        return HostAddress(folder=_folder(text.removeprefix(f"{LOCAL}:")))
    found = _SSH.fullmatch(text)
    if found is None or not 0 < int(found["port"] or SSH_PORT) <= _PORTS:
        msg = f"{text!r} is no host: write ssh://USER@HOST:PORT, or local for this machine"
        raise ValueError(msg)
    return HostAddress(
        host=found["host"].strip("[]"),
        user=found["user"],
        port=int(found["port"] or SSH_PORT),
        folder=_folder(found["folder"]),
    )


def _folder(text: str | None) -> str | None:
    stripped = (text or "").rstrip("/")
    return check_folder(stripped) if stripped else None


def check_folder(text: str) -> str:
    """Return a folder of a host, without a slash at its end.

    Raises:
        ValueError: It is not absolute, or not written in one way only.
    """
    parts = text.rstrip("/").split("/")
    if parts[0] or len(parts) <= 1 or not all(parts[1:]) or {".", ".."} & set(parts):
        msg = f"{text!r} is no folder of a host: write it whole, as in /srv/orders"
        raise ValueError(msg)
    if not text.isprintable():
        msg = f"{text!r} has characters that nobody can see"
        raise ValueError(msg)
    return text.rstrip("/")


def project_of(folder: str) -> str:
    """Return the name of the compose project in a target's folder, which is the folder's own.

    >>> project_of("/srv/Orders v2")
    'orders-v2'
    """
    name = re.sub(r"[^a-z0-9_-]+", "-", folder.rpartition("/")[2].lower())
    return name.strip("_-") or "release"
