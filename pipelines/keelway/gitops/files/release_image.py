"""An image of a release, as files of a repository name it.

Example:
    >>> image = release_image("orders", "host.example.com/shop/orders@sha256:" + "0" * 64, "1.2")
    >>> image.reference(with_tag=True)[:40]
    'host.example.com/shop/orders:1.2@sha256:'
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from keelway.tags.reference import BadReferenceError, parse_reference

_NOT_IN_TAGS = re.compile(r"[^A-Za-z0-9_.-]")
_MAX_TAG = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseImage:
    """What an image is called there, and what takes its place."""

    name: str
    """What the files call it: a name, or the dotted path of Helm values."""
    repository: str
    """`registry/path`, without tag and digest."""
    digest: str
    """`sha256:...`; this alone decides what is pulled."""
    tag: str
    """For people: the release's version."""

    def reference(self, *, with_tag: bool) -> str:
        """Return the whole reference."""
        return f"{self.repository}{f':{self.tag}' if with_tag else ''}@{self.digest}"

    def is_named_by(self, text: str) -> bool:
        """Return whether a reference is one of this image, by its name or its repository."""
        found = _repository_of(text)
        return found is not None and found in map(_repository_of, (self.name, self.repository))


def release_image(name: str, reference: str, version: str) -> ReleaseImage:
    """Return the image of a reference by digest.

    Args:
        name: What the files call it.
        reference: `registry/repository@sha256:...`; a tag in it goes before the version.
        version: What people call the release.

    Raises:
        BadReferenceError: When it is no reference by digest.
    """
    parsed = parse_reference(reference)
    if parsed.digest is None:
        raise BadReferenceError(f"{reference!r} has no digest")
    shown = _NOT_IN_TAGS.sub("-", version)[:_MAX_TAG].lstrip(".-")
    repository = reference.partition("@")[0]
    if parsed.tag is not None:
        repository = repository.removesuffix(f":{parsed.tag}")
    tag = parsed.tag or shown or "unknown"
    return ReleaseImage(name=name, repository=repository, digest=parsed.digest, tag=tag)


def _repository_of(text: str) -> str | None:
    try:
        return parse_reference(text).repository
    except BadReferenceError:
        return None


def has_tag(reference: str) -> bool:
    """Return whether a reference has a tag, with or without a digest behind it."""
    return ":" in reference.partition("@")[0].rpartition("/")[2]
