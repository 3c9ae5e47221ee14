from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

LINE = {"model": "line", "x": [0, 1, 2, 3], "y": [1, 3, 5, 7]}


def test_a_fit_is_answered_and_kept(client: TestClient) -> None:
    answer = client.post("/fits", json=LINE)
    assert answer.status_code == 201
    assert answer.json()["parameters"] == pytest.approx({"offset": 1.0, "slope": 2.0})
    assert client.get(f"/fits/{answer.json()['id']}").json() == answer.json()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([], "object"),
        ({**LINE, "model": "spline"}, "model: must be one of"),
        ({**LINE, "x": [0, 1]}, "same length"),
        ({**LINE, "y": [1, "3", 5, 7]}, "y[1]: must be a number"),
        ({**LINE, "y": []}, "y: must be a list"),
        ({**LINE, "sigma": [0, 1, 1, 1]}, "sigma: must be above 0"),
        ({"model": "line", "x": [1], "y": [1]}, "2 parameters need 3"),
    ],
)
def test_what_is_wrong_is_named(client: TestClient, body: Any, said: str) -> None:
    answer = client.post("/fits", json=body)
    assert (answer.status_code, said in answer.json()["error"]) == (422, True)


def test_nobody_without_the_key_is_served(client: TestClient) -> None:
    assert client.post("/fits", json=LINE, headers={"X-API-Key": "guess"}).status_code == 401
    assert client.get("/fits/1", headers={"X-API-Key": ""}).status_code == 401


def test_health_is_bad_when_results_cannot_be_stored(client: TestClient, tmp_path: Path) -> None:
    assert client.get("/health").status_code == 200
    (tmp_path / "results.db").unlink()
    (tmp_path / "results.db").mkdir()
    assert client.get("/health").status_code == 503


def test_metrics_count_requests_and_fits(client: TestClient) -> None:
    client.post("/fits", json=LINE)
    client.get("/fits/12345")
    told = client.get("/metrics").text
    assert 'fits_total{model="line",outcome="found"} 1.0' in told
    assert "fit_points_total 4.0" in told
    assert 'http_requests_total{path="/fits/",status="404"} 1.0' in told


def test_a_result_that_somebody_changed_is_not_answered(client: TestClient, tmp_path: Path) -> None:
    number = client.post("/fits", json=LINE).json()["id"]
    with sqlite3.connect(tmp_path / "results.db") as database:
        database.execute("update results set result = replace(result, 'line', 'peak')")
    with pytest.raises(Exception, match="does not have its seal"):
        client.get(f"/fits/{number}")
