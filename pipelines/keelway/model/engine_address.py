"""Where an engine is, as people write it.

Example:
    >>> parse_engine("local:/var/lib/arm").store
    '/var/lib/arm'
    >>> parse_engine("tcp://10.0.0.5:1234").runner_host
    'tcp://10.0.0.5:1234'
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SCHEMES = (
    "container", "docker-container", "docker-image", "image", "kube-pod", "podman-container",
    "ssh", "tcp", "unix",
)  # fmt: skip
"""What Dagger's command line takes in `_EXPERIMENTAL_DAGGER_RUNNER_HOST`."""

_REMOTE = re.compile(r"^(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<rest>[^\s]+)$")
_LOCAL = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineAddress:
    """One engine."""

    text: str
    """As it was written, and as it is told of."""
    store: str | None = None
    """Of the local engine: where it keeps things, when not where it always does."""
    runner_host: str | None = None
    """Of an engine of Dagger's: its address, for Dagger's command line."""

    @property
    def here(self) -> bool:
        """Whether it is this machine's local engine, so that foreign platforms are emulated."""
        return self.runner_host is None

    def __str__(self) -> str:
        """Return it as it was written."""
        return self.text


def parse_engine(text: str) -> EngineAddress:
    """Return the engine that an address names.

    Args:
        text: `local`, `local:/folder`, or `scheme://...` as Dagger's command line takes it.

    Raises:
        ValueError: It is neither; tells what is known.
    """
    if text == _LOCAL:
        return EngineAddress(text=text)
    if text.startswith(f"{_LOCAL}:/") and not text.startswith(f"{_LOCAL}://"):
        return EngineAddress(text=text, store=text.removeprefix(f"{_LOCAL}:"))
    found = _REMOTE.match(text)
    if found is None or found["scheme"] not in SCHEMES:
        known = ", ".join(f"{scheme}://" for scheme in SCHEMES)
        msg = f"{text!r} names no engine: write local, local:/folder, or an address with {known}"
        raise ValueError(msg)
    return EngineAddress(text=text, runner_host=text)
