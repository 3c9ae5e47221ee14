import uuid

import pytest

ORDER = {
    "customer": "Ada",
    "lines": [
        {"sku": "tea", "quantity": 2, "unit_price_cents": 450},
        {"sku": "cup", "quantity": 1, "unit_price_cents": 1200},
    ],
}


def test_a_created_order_can_be_read_back(client):
    created = client.post("/orders", json=ORDER)
    assert created.status_code == 201
    assert created.json()["total_cents"] == 2 * 450 + 1200
    read = client.get(created.headers["Location"])
    assert read.status_code == 200
    assert read.json() == created.json()


def test_the_list_begins_with_the_newest_and_is_limited(client):
    ids = [client.post("/orders", json=ORDER).json()["id"] for _ in range(3)]
    listed = client.get("/orders", params={"limit": 2}).json()["orders"]
    assert [order["id"] for order in listed] == ids[::-1][:2]


def test_an_unknown_order_is_404(client):
    answer = client.get(f"/orders/{uuid.uuid4()}")
    assert answer.status_code == 404
    assert "there is no order" in answer.json()["error"]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ([], "JSON object"),
        ({**ORDER, "customer": " "}, "customer"),
        ({**ORDER, "lines": []}, "lines"),
        ({**ORDER, "lines": [{"sku": "", "quantity": 1, "unit_price_cents": 1}]}, "lines[0].sku"),
        ({**ORDER, "lines": [{**ORDER["lines"][0], "quantity": 0}]}, "lines[0].quantity"),
        ({**ORDER, "lines": [{**ORDER["lines"][0], "quantity": True}]}, "lines[0].quantity"),
        ({**ORDER, "lines": [{**ORDER["lines"][0], "unit_price_cents": 1.5}]}, "unit_price_cents"),
    ],
)
def test_what_is_no_order_is_refused_with_its_place(client, store, body, place):
    answer = client.post("/orders", json=body)
    assert answer.status_code == 422
    assert place in answer.json()["error"]
    assert store.orders == []


def test_a_body_that_is_not_json_is_refused(client):
    answer = client.post("/orders", content=b"{")
    assert answer.status_code == 422
    assert "not JSON" in answer.json()["error"]


def test_a_huge_body_is_refused(client):
    assert client.post("/orders", content=b" " * 70_000).status_code == 413


@pytest.mark.parametrize("limit", ["0", "201", "-1", "many", "²"])
def test_a_bad_limit_is_refused(client, limit):
    assert client.get("/orders", params={"limit": limit}).status_code == 422


def test_without_its_database_it_is_degraded_and_refuses_orders(client, store):
    store.down = True
    health = client.get("/health")
    assert health.status_code == 200
    assert health.json()["status"] == "degraded"
    assert client.get("/health?ready").status_code == 503
    refused = client.post("/orders", json=ORDER)
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "2"
    store.down = False
    assert client.get("/health?ready").json()["status"] == "ok"
