"""The short form of a service's volume: `[source:]target[:options]`.

Example:
    >>> split_volume("./data:/var/lib/data:ro")
    VolumeForm(source='./data', target='/var/lib/data', options=('ro',))
    >>> split_volume("cache:/cache").is_path
    False
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\\\")
_SECTION = re.compile(r"(?:[A-Za-z]:(?=[\\/]))?[^:]*")
_MOST_SECTIONS = 3


class VolumeFormError(ValueError):
    """A text that is no volume; says why."""


@dataclass(frozen=True, slots=True)
class VolumeForm:
    """The parts of a short form, as they are written."""

    source: str | None
    target: str
    options: tuple[str, ...] = ()

    @property
    def is_path(self) -> bool:
        """Whether the source is a path of the host, rather than the name of a volume."""
        source = self.source or ""
        return source[:1] in {".", "/", "~"} or self.is_windows

    @property
    def is_windows(self) -> bool:
        """Whether the source is a path as Windows has them."""
        return _WINDOWS.match(self.source or "") is not None


def split_volume(text: str) -> VolumeForm:
    r"""Return the parts of the short form.

    Args:
        text: What was written; a drive's colon (`C:\\data`) divides nothing.

    Raises:
        VolumeFormError: When it has empty parts, or too many.
    """
    sections: list[str] = []
    at = 0
    while at <= len(text):
        found = _SECTION.match(text, at)
        section = "" if found is None else found[0]
        sections.append(section)
        at += len(section) + 1
    if "" in sections:
        raise VolumeFormError("nothing stands between two colons" if text else "it is empty")
    if len(sections) > _MOST_SECTIONS:
        raise VolumeFormError("it has too many colons: source:target:options is all there is")
    if len(sections) == 1:
        return VolumeForm(None, sections[0])
    options = tuple(sections[2].split(",")) if len(sections) == _MOST_SECTIONS else ()
    return VolumeForm(sections[0], sections[1], options)
