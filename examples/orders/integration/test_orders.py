"""The service as it will ship, over HTTP, with a real PostgreSQL behind it."""

import json
import os
import urllib.error
import urllib.request
import uuid

BASE = os.environ.get("ORDERS_URL", "http://orders:8080")
TEA = {"customer": "Ada", "lines": [{"sku": "tea", "quantity": 3, "unit_price_cents": 450}]}
# Straight to the service, whatever proxy the environment names.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask(path: str, body: object = None) -> tuple[int, dict]:
    data = None if body is None else json.dumps(body).encode()
    try:
        with OPENER.open(urllib.request.Request(BASE + path, data=data), timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_it_is_healthy_with_its_database():
    status, told = ask("/health?ready")
    assert (status, told["status"], told["database"]) == (200, "ok", "up")


def test_an_order_is_kept():
    status, created = ask("/orders", TEA)
    assert (status, created["total_cents"]) == (201, 1350)
    assert ask(f"/orders/{created['id']}") == (200, created)
    assert created in ask("/orders")[1]["orders"]


def test_what_is_wrong_is_refused_and_not_kept():
    before = ask("/orders?limit=200")[1]["orders"]
    status, told = ask("/orders", {"customer": "Ada", "lines": []})
    assert status == 422
    assert "lines" in told["error"]
    assert ask("/orders?limit=200")[1]["orders"] == before


def test_an_order_that_is_not_there():
    assert ask(f"/orders/{uuid.uuid4()}")[0] == 404
