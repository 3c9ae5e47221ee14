"""The socket that clients connect to, made before anything else so that they never wait for it."""

from __future__ import annotations

import socket

HOST = "127.0.0.1"
_WAITING = 256


def listen() -> socket.socket:
    """Return a listening socket on a free port of the loopback."""
    # Some libraries turn TCP_NODELAY on only where the protocol is named.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind((HOST, 0))
    listener.listen(_WAITING)
    return listener
