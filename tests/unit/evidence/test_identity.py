"""The token of a GitHub job, asked of a service that answers as GitHub's does."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from keelway.errors import StageError
from keelway.evidence.identity import ask_github

if TYPE_CHECKING:
    from collections.abc import Iterator

BEARER = "given-to-the-job"


class Service(BaseHTTPRequestHandler):
    """Gives whoever knows the job's word a token for the audience that is asked for."""

    def do_GET(self) -> None:
        good = self.headers["Authorization"] == f"Bearer {BEARER}"
        self.send_response(200 if good else 403)
        self.end_headers()
        if good:
            self.wfile.write(json.dumps({"value": f"token for {self.path}"}).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def running() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/request?api-version=2.0"
    finally:
        server.shutdown()
        server.server_close()


async def test_it_is_asked_for_sigstore() -> None:
    with running() as url:
        said = await ask_github(url, BEARER, stage="sign")
    assert said == "token for /request?api-version=2.0&audience=sigstore"


async def test_a_refusal_says_what_the_job_lacks() -> None:
    with (
        running() as url,
        pytest.raises(StageError, match="GitHub gave no identity token") as raised,
    ):
        await ask_github(url, "another word", stage="sign")
    assert "id-token: write" in raised.value.diagnostics()
    assert "another word" not in raised.value.diagnostics()
