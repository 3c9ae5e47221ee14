"""Image references: parsed, checked and written in one normal form, the distribution project's.

The grammar is that of https://pkg.go.dev/github.com/distribution/reference.

Example:
    >>> parse_reference("Ubuntu")
    Traceback (most recent call last):
    ...
    keelway.tags.reference.BadReferenceError: 'Ubuntu' has upper-case letters in its repository...
    >>> str(parse_reference("ubuntu:24.04"))
    'docker.io/library/ubuntu:24.04'
    >>> parse_reference("localhost:5000/demo/orders").host
    'localhost:5000'
"""

from __future__ import annotations

import re
from dataclasses import dataclass

DOCKER_HUB = "docker.io"
MAX_PATH_LENGTH = 255

_SEPARATED = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_SEPARATED}(?:/{_SEPARATED})*")
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_IDENTIFIER = re.compile(r"[a-f0-9]{64}")
_DIGEST = re.compile(r"sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128}")


class BadReferenceError(ValueError):
    """Text that is no image reference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageReference:
    """A reference with nothing left implicit, its tag aside."""

    host: str
    path: str
    tag: str | None = None
    digest: str | None = None

    @property
    def repository(self) -> str:
        """Return the registry and the path, without tag and digest."""
        return f"{self.host}/{self.path}"

    def __str__(self) -> str:
        """Return the whole reference."""
        tag = "" if self.tag is None else f":{self.tag}"
        digest = "" if self.digest is None else f"@{self.digest}"
        return f"{self.repository}{tag}{digest}"


def parse_reference(text: str) -> ImageReference:
    """Return the parts of an image reference; Docker Hub's short names are spelled out.

    Raises:
        BadReferenceError: When it is not valid; says which part.
    """
    scheme, is_address, _ = text.partition("://")
    if is_address:
        raise BadReferenceError(f"{text!r} is an address: write it without {scheme}://")
    if _IDENTIFIER.fullmatch(text):
        raise BadReferenceError(f"{text!r} is an image's id: write its name, or name@sha256:{text}")
    rest, at, digest = text.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        raise BadReferenceError(
            f"{text!r} has a bad digest: sha256: and 64 hexadecimal digits are expected"
        )
    host, path = _host_and_path(rest)
    path, colon, tag = path.partition(":")
    if colon and not _TAG.fullmatch(tag):
        raise BadReferenceError(
            f"{text!r} has a bad tag: letters, digits, '_', '.' and '-' are allowed, at most 128"
        )
    _check_name(text, host, path)
    return ImageReference(host=host, path=path, tag=tag or None, digest=digest or None)


def parse_repository(text: str) -> ImageReference:
    """Return the parts of a reference that must have neither tag nor digest.

    Raises:
        BadReferenceError: When it is not valid, or has a tag or a digest.
    """
    parsed = parse_reference(text)
    if parsed.tag is not None or parsed.digest is not None:
        raise BadReferenceError(f"{text!r} must not have a tag or a digest: keelway adds them")
    return parsed


def _host_and_path(name: str) -> tuple[str, str]:
    """Return the registry and the rest, by Docker's rule for what is a host.

    Upper-case letters are not allowed in a path, so a first part that has some is a host.
    """
    first, slash, rest = name.partition("/")
    is_host = "." in first or ":" in first or first == "localhost" or first != first.lower()
    if slash and is_host:
        host = DOCKER_HUB if first == "index.docker.io" else first
        return host, rest if host != DOCKER_HUB or "/" in rest else f"library/{rest}"
    return DOCKER_HUB, name if slash else f"library/{name}"


def _check_name(text: str, host: str, path: str) -> None:
    if not _HOST.fullmatch(host):
        raise BadReferenceError(f"{text!r} has a bad registry name: {host!r}")
    if path != path.lower():
        raise BadReferenceError(
            f"{text!r} has upper-case letters in its repository: write {path.lower()!r}"
        )
    if not _PATH.fullmatch(path):
        raise BadReferenceError(
            f"{text!r} has a bad repository name: lower-case letters and digits, separated by"
            " '/', '.', '_', '__' or '-', are expected"
        )
    if len(path) > MAX_PATH_LENGTH:
        raise BadReferenceError(
            f"{text!r} is too long: at most {MAX_PATH_LENGTH} characters after the registry's name"
        )
