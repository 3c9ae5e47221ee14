"""Web and worker as they will ship, over HTTP, with a real PostgreSQL between them."""

import http.client
import json
import time
from typing import Any

WEB, WORKER = "web:8080", "worker:8080"


def ask(host: str, path: str, text: str | None = None) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection(host, timeout=10)
    body = None if text is None else json.dumps({"text": text})
    headers = {"accept": "application/json", "content-type": "application/json"}
    connection.request("GET" if body is None else "POST", path, body, headers)
    answer = connection.getresponse()
    return answer.status, json.load(answer)


def test_both_are_ready():
    assert ask(WEB, "/health?ready") == (200, {"status": "ok"})
    assert ask(WORKER, "/health?ready") == (200, {"status": "ok"})


def test_what_is_handed_in_at_the_web_is_done_by_the_worker():
    status, task = ask(WEB, "/tasks", "Tea for two. And two for tea!")
    assert (status, task["state"]) == (202, "waiting")
    deadline = time.monotonic() + 30
    while task["state"] == "waiting" and time.monotonic() < deadline:
        time.sleep(0.1)
        task = ask(WEB, f"/tasks/{task['id']}")[1]
    assert task["state"] == "done"
    assert (task["result"]["words"], task["result"]["sentences"]) == (7, 2)


def test_what_is_empty_is_refused():
    assert ask(WEB, "/tasks", " ")[0] == 422
