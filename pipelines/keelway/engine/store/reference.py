"""Names of images as people write them, and in full."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace

from keelway.engine.errors import EngineError

_PATH = re.compile(
    r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*"
)
_HOST = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:.]+\])(?::[0-9]+)?")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_HUB = "docker.io"
_HUB_NAMES = frozenset({"index.docker.io", "registry-1.docker.io", "docker.io"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The name of an image: where it is, and which one."""

    host: str
    """With its port, if it has one."""
    path: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """The repository: host and path."""
        return f"{self.host}/{self.path}"

    @property
    def loopback(self) -> bool:
        """Whether the registry is on this machine's loopback, which is spoken to without TLS."""
        return is_loopback(self.host)

    def __str__(self) -> str:
        """Return the full name."""
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return self.name + tag + digest


def parse_reference(text: str) -> Reference:
    """Return the full name for a written one; `alpine` is `docker.io/library/alpine`.

    No tag is added.

    Raises:
        EngineError: It is no name of an image.
    """
    rest, _, digest = text.strip().partition("@")
    last = rest.rpartition("/")[2]
    tag = ""
    if ":" in last:
        rest, _, tag = rest.rpartition(":")
    first, slash, path = rest.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        host = _HUB if first in _HUB_NAMES else first
    else:
        host, path = _HUB, rest
    if host == _HUB and "/" not in path:
        path = f"library/{path}"
    problem = _problem(host, path, tag if ":" in last else None, digest if "@" in text else None)
    if problem:
        raise EngineError(f"invalid reference format: {problem}")
    return Reference(host=host, path=path, tag=tag, digest=digest)


def full_reference(text: str) -> Reference:
    """Return the full name for a written one, with the tag `latest` where it has none.

    Raises:
        EngineError: It is no name of an image.
    """
    found = parse_reference(text)
    return found if found.tag or found.digest else replace(found, tag="latest")


def registry_host(address: str) -> str:
    """Return the host of a registry's address: `https://docker.io/v1` and `docker.io/x` alike."""
    host = re.sub(r"^https?://", "", address.strip()).partition("/")[0]
    return _HUB if host in _HUB_NAMES else host


def is_loopback(host: str) -> bool:
    """Say whether a host (with or without a port) is this machine's loopback."""
    name = host.rpartition(":")[0] if re.search(r":[0-9]+$", host) and host[-1] != "]" else host
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def _problem(host: str, path: str, tag: str | None, digest: str | None) -> str:
    if not _HOST.fullmatch(host):
        return f"{host!r} is not a registry's host"
    if not _PATH.fullmatch(path):
        if _PATH.fullmatch(path.lower()):
            return f"repository name ({path}) must be lowercase"
        return f"{path!r} is not a repository's name"
    if tag is not None and not _TAG.fullmatch(tag):
        return f"{tag!r} is not a tag"
    if digest is not None and not _DIGEST.fullmatch(digest):
        return f"{digest!r} is not a digest (sha256:<64 hexadecimal digits>)"
    return ""
