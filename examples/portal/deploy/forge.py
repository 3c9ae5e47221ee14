"""Stands in for GitHub where there is none: keeps pull requests in memory, and prints them.

python deploy/forge.py [PORT]
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

PULLS: list[dict[str, object]] = []


class Forge(BaseHTTPRequestHandler):
    """`GET` and `POST /repos/OWNER/NAME/pulls`, as https://docs.github.com/rest/pulls/pulls."""

    def do_GET(self) -> None:
        self._answer(200, PULLS)

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if any((one["head"], one["base"]) == (asked["head"], asked["base"]) for one in PULLS):
            told = f"A pull request already exists for {asked['head']}."
            self._answer(422, {"message": "Validation Failed", "errors": [{"message": told}]})
            return
        number = len(PULLS) + 1
        repository = self.path.removeprefix("/repos/").removesuffix("/pulls")
        url = f"https://github.com/{repository}/pull/{number}"
        PULLS.append({**asked, "number": number, "state": "open", "html_url": url})
        print(f"{url}: {asked['title']} ({asked['head']} into {asked['base']})", flush=True)
        self._answer(201, PULLS[-1])

    def _answer(self, status: int, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing of single requests."""


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int((sys.argv[1:] or ["5203"])[0])), Forge).serve_forever()
