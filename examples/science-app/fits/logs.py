"""Log lines: one JSON object each, on the standard output and at the collector of logs."""

from __future__ import annotations

import json
import logging
import logging.handlers
import queue
import socket
import sys
import time

from fits import __version__
from fits.settings import Settings

_KEPT = 1000
_PATIENCE_S = 2.0


class JsonLines(logging.Formatter):
    """Writes a record as JSON. `extra={"fields": {...}}` of a call is part of it."""

    def __init__(self, colour: str) -> None:
        super().__init__()
        self._always = {"service": "science-app", "version": __version__, "colour": colour}

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line = {
            "at": f"{at}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **self._always,
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line)


class Collector(logging.Handler):
    """Sends lines to a collector by TCP (RFC 6587, each line ended by a line feed).

    What can't be sent is lost there and nowhere else: the standard output has it, and a collector
    that is down must not stop the service.
    """

    def __init__(self, host: str, port: int) -> None:
        super().__init__()
        self._address = (host, port)
        self._socket: socket.socket | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Send a line; the connection is made anew once when it was lost."""
        data = f"<134>1 - - science-app - - - {self.format(record)}\n".encode()
        for _ in range(2):
            try:
                if self._socket is None:
                    self._socket = socket.create_connection(self._address, timeout=_PATIENCE_S)
                self._socket.sendall(data)
            except OSError:
                self.close_connection()
            else:
                return

    def close_connection(self) -> None:
        """Forget the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class _Dropping(logging.handlers.QueueHandler):
    """Waits for nobody: what does not fit any more is left out."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            self.queue.put_nowait(record)
        except queue.Full:
            pass


def set_up(settings: Settings) -> None:
    """Let everything that is logged go where it belongs."""
    lines = JsonLines(settings.colour)
    out = logging.StreamHandler(sys.stdout)
    out.setFormatter(lines)
    handlers: list[logging.Handler] = [out]
    if settings.syslog is not None:
        host, _, port = settings.syslog.rpartition(":")
        collector = Collector(host, int(port))
        collector.setFormatter(lines)
        waiting: queue.Queue[logging.LogRecord] = queue.Queue(_KEPT)
        logging.handlers.QueueListener(waiting, collector).start()
        handlers.append(_Dropping(waiting))
    logging.basicConfig(level=settings.log_level, handlers=handlers, force=True)
    # One line a request is written by the application itself.
    logging.getLogger("uvicorn.access").disabled = True
