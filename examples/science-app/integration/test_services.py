"""Beside the services of compose.yaml: what the application says arrives where it should."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

APP, METRICS = "http://science-app:8080", "http://metrics:9090"
LINE = {"model": "line", "x": [0, 1, 2, 3], "y": [1, 3, 5, 7]}


def key() -> str:
    return Path("/run/secrets/api-key").read_text().strip()


def ask(url: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"X-API-Key": key(), **headers})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def eventually(look: Callable[[], Any], patience_s: float = 40) -> Any:
    deadline = time.monotonic() + patience_s
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def log_lines() -> list[dict[str, Any]]:
    files = Path("/logs").glob("science-app-*.log")
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def test_a_fit_is_kept_on_the_volume() -> None:
    status, made = ask(f"{APP}/fits", LINE)
    assert (status, made["parameters"]["slope"]) == (201, pytest.approx(2.0))
    assert ask(f"{APP}/fits/{made['id']}") == (200, made)


def test_who_does_not_know_the_secret_gets_nothing() -> None:
    status, _ = ask(f"{APP}/fits", LINE, **{"X-API-Key": "guess"})
    assert status == 401


def test_the_collector_has_the_applications_log_lines() -> None:
    _, made = ask(f"{APP}/fits", LINE)
    (line,) = eventually(lambda: [one for one in log_lines() if one.get("result") == made["id"]])
    assert (line["service"], line["message"], line["model"]) == ("science-app", "fitted", "line")
    assert key() not in "".join(file.read_text() for file in Path("/logs").glob("*.log"))


def test_prometheus_has_the_applications_metrics() -> None:
    before = asked("sum(fits_total)")
    ask(f"{APP}/fits", LINE)
    assert eventually(lambda: asked("sum(fits_total)") > before)
    assert asked('up{job="science-app"}') == 1


def asked(query: str) -> float:
    _, answer = ask(f"{METRICS}/api/v1/query?query={urllib.parse.quote(query)}")
    found = answer["data"]["result"]
    return float(found[0]["value"][1]) if found else 0.0


def test_there_is_a_backup() -> None:
    assert eventually(lambda: list(Path("/backups").glob("results-*.db")))
