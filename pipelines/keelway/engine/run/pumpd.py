"""Passes frames between two sockets, as a program of its own.

Run by path (`python -I -S pumpd.py FD FD`), not imported: in the engine's own process each frame
would wait for the interpreter's lock. It ends when one of the sockets does.
"""

from __future__ import annotations

import errno
import os
import signal
import socket
import sys
import threading

FRAME_BYTES = 1 << 16
# Frames get lost, as on any wire: the next one may pass.
PASSING = {errno.ENOBUFS, errno.EMSGSIZE, errno.ENETDOWN, errno.ENXIO, errno.EINVAL}


def pump(source: socket.socket, target: socket.socket) -> None:
    """Pass frames one way until the source ends or an end breaks; the program ends then."""
    buffer = memoryview(bytearray(FRAME_BYTES))
    try:
        while size := source.recv_into(buffer):
            try:
                target.send(buffer[:size])
            except OSError as error:
                if error.errno not in PASSING:
                    raise
    finally:
        os._exit(0)


def main(first: int, second: int) -> None:
    """Pass frames both ways."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's interrupt is for the engine
    one, two = socket.socket(fileno=first), socket.socket(fileno=second)
    threading.Thread(target=pump, args=(one, two), daemon=True).start()
    pump(two, one)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
