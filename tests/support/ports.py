"""Ports of the loopback for programs that must be told one."""

from __future__ import annotations

import random
import socket

_RANGE = range(20_000, 32_000)
"""Below the ports that the kernel gives to outgoing connections, which would take them again."""


def free_port() -> int:
    """Return a port that nobody has now, and that nobody is likely to get by chance."""
    while True:
        port = random.choice(_RANGE)  # noqa: S311 - no secret
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
