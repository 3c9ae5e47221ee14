"""A program that speaks the session protocol and records instead of running.

Started by the SDK as `... session`; what it does is chosen by the variable FAKE_ENGINE:

    serve     says two lines and one step, then answers until its standard input ends
    refuse    says why and ends with 3 before the session is there
    die       ends in the middle of the first request for `sync`
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.support.recording import Chain, RecordingEngine


def say(text: str) -> None:
    """Write a line to standard error."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def main() -> int:
    """Serve one session."""
    mode = os.environ.get("FAKE_ENGINE", "serve")
    if mode == "refuse":
        say("no container runtime: token=Bearer abcdefghijklmnopqrstuvwxyz")
        return 3
    engine = RecordingEngine()

    def die(_chain: Chain) -> None:
        os._exit(9)

    if mode == "die":
        engine.answer("sync", die)
    form = os.environ.get("KEELWAY_ENGINE_PROGRESS")
    say(f"progress as {form}")
    say(json.dumps({"event": "start", "id": "1", "name": "pull app", "at": 1.0}))
    end = {"event": "end", "id": "1", "cached": True, "seconds": 0.5, "error": None}
    say(json.dumps(end))
    with engine.serve() as port:
        sys.stdout.write(json.dumps({"port": port, "session_token": "fake"}) + "\n")
        sys.stdout.flush()
        sys.stdin.read()
    say("ended in order")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
