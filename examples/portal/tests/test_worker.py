import time

from starlette.testclient import TestClient

from portal.worker import create_app


def test_what_waits_is_done_and_the_worker_tells_how_it_is(client, store):
    where = client.post("/tasks", json={"text": "Tea for two."}).headers["location"]
    with TestClient(create_app(store)) as worker:
        assert worker.get("/health").json() == {"status": "ok"}
        deadline = time.monotonic() + 10
        while "done" not in client.get(where).text and time.monotonic() < deadline:
            time.sleep(0.05)
    page = client.get(where).text
    assert "done" in page
    assert "<th>words</th><td>3</td>" in page


def test_a_worker_without_its_database_waits_for_it(client, store):
    client.post("/tasks", json={"text": "Tea for two."})
    store.down = True
    with TestClient(create_app(store)) as worker:
        assert worker.get("/health?ready").status_code == 503
        store.down = False
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            if [task.state for task in store.tasks.values()] == ["done"]:
                return
            time.sleep(0.05)
    raise AssertionError("it did not come back")
