"""Where an engine is, as people write it.

Example:
    >>> parse_engine("local:/var/lib/arm").store
    '/var/lib/arm'
    >>> parse_engine("tcp://10.0.0.5:1234").runner_host
    'tcp://10.0.0.5:1234'
    >>> parse_engine("keelway-ssh://builder@arm1/var/lib/arm").ssh
    HostAddress(host='arm1', user='builder', port=22, folder='/var/lib/arm')
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from keelway.model.host_address import HostAddress, parse_host

SCHEMES = (
    "container", "docker-container", "docker-image", "image", "kube-pod", "podman-container",
    "ssh", "tcp", "unix",
)  # fmt: skip
"""What Dagger's command line takes in `_EXPERIMENTAL_DAGGER_RUNNER_HOST`."""

_REMOTE = re.compile(r"^(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<rest>[^\s]+)$")
_LOCAL = "local"
_SSH = "keelway-ssh://"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineAddress:
    """One engine."""

    text: str
    """As it was written, and as it is told of."""
    store: str | None = None
    """Of the local engine: where it keeps things, when not where it always does."""
    runner_host: str | None = None
    """Of an engine of Dagger's: its address, for Dagger's command line."""
    ssh: HostAddress | None = None
    """Of a local engine on another machine: which one; its folder is the store's."""

    @property
    def here(self) -> bool:
        """Whether it is this machine's local engine, so that foreign platforms are emulated."""
        return self.runner_host is None and self.ssh is None

    def __str__(self) -> str:
        """Return it as it was written."""
        return self.text


def parse_engine(text: str) -> EngineAddress:
    """Return the engine that an address names.

    Args:
        text: `local`, `local:/folder`, `keelway-ssh://USER@HOST:PORT/folder`, or `scheme://...`
            as Dagger's command line takes it.

    Raises:
        ValueError: It is neither; tells what is known.
    """
    if text == _LOCAL:
        return EngineAddress(text=text)
    if text.startswith(f"{_LOCAL}:/") and not text.startswith(f"{_LOCAL}://"):
        return EngineAddress(text=text, store=text.removeprefix(f"{_LOCAL}:"))
    if text.startswith(_SSH):
        try:
            address = parse_host(f"ssh://{text.removeprefix(_SSH)}")
        except ValueError:
            msg = f"{text!r} names no engine: write {_SSH}USER@HOST:PORT, a folder behind it or not"
            raise ValueError(msg) from None
        return EngineAddress(text=text, ssh=address)
    found = _REMOTE.match(text)
    if found is None or found["scheme"] not in SCHEMES:
        known = ", ".join((_SSH, *(f"{scheme}://" for scheme in SCHEMES)))
        msg = f"{text!r} names no engine: write local, local:/folder, or an address with {known}"
        raise ValueError(msg)
    return EngineAddress(text=text, runner_host=text)
