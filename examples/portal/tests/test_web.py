import uuid

import pytest

JSON = {"accept": "application/json"}


def test_a_form_leads_to_the_page_of_the_text(client):
    answer = client.post("/tasks", data={"text": "Tea for two."}, follow_redirects=False)
    assert answer.status_code == 303
    page = client.get(answer.headers["location"])
    assert "waiting" in page.text
    assert 'http-equiv="refresh"' in page.text
    assert answer.headers["location"] in client.get("/").text


def test_programs_speak_json(client, store):
    answer = client.post("/tasks", json={"text": "Tea for two."})
    assert answer.status_code == 202
    assert client.get(answer.headers["location"], headers=JSON).json() == answer.json()
    assert client.get("/", headers=JSON).json() == {"tasks": [answer.json()]}
    assert [task.text for task in store.tasks.values()] == ["Tea for two."]


def test_what_people_write_is_shown_and_never_run(client):
    where = client.post("/tasks", json={"text": "<script>alert(1)</script>"}).headers["location"]
    for page in (client.get("/"), client.get(where)):
        assert "&lt;script&gt;" in page.text
        assert "<script>" not in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'{"text": " "}', b"\xff"])
def test_what_is_no_text_is_refused_and_not_kept(client, store, body):
    answer = client.post("/tasks", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["error"]
    assert not store.tasks


def test_what_is_far_too_long_is_not_even_read(client):
    assert client.post("/tasks", content=b"x" * 1_300_000).status_code == 413


def test_a_text_that_is_not_there(client):
    assert client.get(f"/tasks/{uuid.uuid4()}").status_code == 404


def test_without_its_database_it_lives_and_says_so(client, store):
    store.down = True
    assert client.get("/health").json()["status"] == "degraded"
    assert client.get("/health?ready").status_code == 503
    assert client.get("/").status_code == 503
