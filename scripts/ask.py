"""Ask a URL again and again until SIGTERM, and write down how often there was no good answer.

    python3 ask.py URL FILE

Each request has a connection of its own.
"""

import http.client
import signal
import sys
import time
import urllib.parse
from pathlib import Path

_PAUSE_S = 0.005


def main(url: str, file: Path) -> int:
    """Ask until told to end; return the exit code."""
    there = urllib.parse.urlsplit(url)
    ended: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: ended.append(number))
    asked, failed = 0, 0
    while not ended:
        asked += 1
        try:
            connection = http.client.HTTPConnection(there.hostname or "", there.port, timeout=10)
            connection.request("GET", f"{there.path}?{there.query}")
            failed += connection.getresponse().status != http.HTTPStatus.OK
            connection.close()
        except OSError:
            failed += 1
        time.sleep(_PAUSE_S)
    file.write_text(f"{asked} requests meanwhile, {failed} failed\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
