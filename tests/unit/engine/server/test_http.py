"""The HTTP side: what goes over the wire, who is let in, and what happens when clients leave."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from keelway.engine.schema.clients import Clients
from keelway.engine.server.http import LARGEST_BODY, Server, answer_one
from keelway.engine.server.listener import HOST, listen
from tests.unit.engine.server import fake_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keelway.engine.server.encode import LongBody
    from keelway.engine.server.gateway import Gateway

TOKEN = "0123456789abcdef"  # noqa: S105 - for this test's server
EXEC = 'withExec(args: ["a", "b"]) { '


@contextmanager
def serving(answer: Any) -> Iterator[tuple[Server, int]]:
    listener = listen()
    server = Server(answer, clients=Clients(TOKEN), listener=listener)
    port = listener.getsockname()[1]
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server, port
    finally:
        server.stop()
        server.close()
        thread.join(10)
        assert not thread.is_alive()
        threading.stack_size(0)


@pytest.fixture
def port(gateway: Gateway) -> Iterator[int]:
    with serving(gateway) as (_, port):
        yield port


def authorization(token: str = TOKEN) -> str:
    return "Basic " + base64.b64encode(f"{token}:".encode()).decode()


@contextmanager
def connected(port: int) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(HOST, port, timeout=30)
    try:
        yield connection
    finally:
        connection.close()


def post(
    connection: http.client.HTTPConnection, body: object, path: str = "/query", **headers: str
) -> tuple[int, Any, http.client.HTTPResponse]:
    text = body if isinstance(body, str) else json.dumps(body)
    given = {"Authorization": authorization()} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    connection.request("POST", path, text, given)
    response = connection.getresponse()
    return response.status, json.loads(response.read()), response


def test_a_connection_serves_many_requests(port: int) -> None:
    with connected(port) as connection:
        for number in range(3):
            query = f'{{ container {{ withExec(args: ["{number}"]) {{ stdout }} }} }}'
            status, answer, response = post(connection, {"query": query})
            assert (status, response.headers["Content-Type"]) == (200, "application/json")
            assert answer["data"]["container"]["withExec"]["stdout"] == f"{number} SUCCESS"


def test_variables_and_operation_names_are_taken(port: int) -> None:
    query = "query A($n: ID!) { node(id: $n) { id } } query B { version }"
    with connected(port) as connection:
        status, answer, _ = post(
            connection, {"query": query, "operationName": "B", "variables": None}
        )
    assert status == 200
    assert set(answer["data"]) == {"version"}


@pytest.mark.parametrize("given", ["", "Bearer x", authorization("wrong"), authorization("")])
def test_without_the_token_nobody_is_let_in(port: int, given: str) -> None:
    with connected(port) as connection:
        status, answer, response = post(connection, {"query": "{version}"}, Authorization=given)
        assert status == 401
        assert response.headers["WWW-Authenticate"].startswith("Basic ")
        assert answer == {"errors": [{"message": "the session token is missing or wrong"}]}
        assert post(connection, {"query": "{version}"})[0] == 200


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{", "the body is no JSON"),
        ("[]", 'an object with a "query"'),
        ('{"query": 1}', 'an object with a "query"'),
        ('{"query": "{a}", "variables": [1]}', '"variables" must be an object'),
        ('{"query": "{a}", "operationName": 1}', '"operationName" must be a string'),
    ],
)
def test_bodies_that_are_no_queries(port: int, body: str, message: str) -> None:
    with connected(port) as connection:
        status, answer, _ = post(connection, body)
    assert status == 400
    assert message in answer["errors"][0]["message"]


def test_other_paths_and_methods(port: int) -> None:
    with connected(port) as connection:
        assert post(connection, {}, path="/other")[0] == 404
        connection.request("GET", "/query?query=x", headers={"Authorization": authorization()})
        response = connection.getresponse()
        assert (response.status, response.headers["Allow"]) == (405, "POST")
        response.read()


def test_a_query_that_is_refused_is_unprocessable(port: int) -> None:
    with connected(port) as connection:
        status, answer, _ = post(connection, {"query": "{ nothing }"})
    assert status == 422
    assert answer["errors"][0]["locations"] == [{"line": 1, "column": 3}]


def raw(port: int, data: bytes) -> bytes:
    with socket.create_connection((HOST, port), timeout=30) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def head(*lines: str) -> bytes:
    return "\r\n".join(
        ["POST /query HTTP/1.1", "Host: x", f"Authorization: {authorization()}", *lines, "", ""]
    ).encode()


def test_what_is_no_http_gets_a_bad_request(port: int) -> None:
    assert raw(port, b"\x16\x03\x01 hello\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_bodies_in_chunks_and_with_a_question_first(port: int) -> None:
    body = b'{"query":"{version}"}'
    chunked = head("Transfer-Encoding: chunked") + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    assert b'"version"' in raw(port, chunked)
    asking = head(f"Content-Length: {len(body)}", "Expect: 100-continue")
    with socket.create_connection((HOST, port), timeout=30) as connection:
        connection.sendall(asking)
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")


def test_a_body_without_end_is_refused_unread(port: int) -> None:
    answer = raw(port, head(f"Content-Length: {LARGEST_BODY + 1}") + b"x" * 100)
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_requests_that_follow_each_other_without_waiting(port: int) -> None:
    body = b'{"query":"{version}"}'
    request = head(f"Content-Length: {len(body)}") + body
    assert raw(port, request * 3).count(b"HTTP/1.1 200 ") == 3


def test_chains_of_any_length(port: int) -> None:
    length = 3000
    text = "{ container { " + EXEC * length + "stdout" + " }" * (length + 2)
    with connected(port) as connection:
        connection.request(
            "POST", "/query", json.dumps({"query": text}), {"Authorization": authorization()}
        )
        answer = connection.getresponse().read()
    assert answer.count(b"a b SUCCESS") == length


def test_long_chains_that_graphql_core_must_read(port: int) -> None:
    length = 300
    text = "query L($a: [String!]!) { container { " + "withExec(args: $a) { " * length
    with connected(port) as connection:
        status, answer, _ = post(
            connection,
            {"query": text + "stdout" + " }" * (length + 2), "variables": {"a": ["x"]}},
        )
    assert status == 200
    data: Any = answer["data"]["container"]
    for _ in range(length):
        data = data["withExec"]
    assert len(data["stdout"].split("\n")) == length


def test_a_hundred_at_once(port: int) -> None:
    answers: list[str] = []

    def ask(number: int) -> None:
        query = f'{{ container {{ withExec(args: ["sleep", "0.5", "{number}"]) {{ stdout }} }} }}'
        with connected(port) as connection:
            data = post(connection, {"query": query})[1]["data"]
            answers.append(data["container"]["withExec"]["stdout"])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(100)]
    begin = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == sorted(f"sleep 0.5 {number} SUCCESS" for number in range(100))
    assert time.monotonic() - begin < 20  # one after the other would take 50 s


def test_a_resolver_notices_that_its_client_left(port: int) -> None:
    fake_engine.WAITING.clear()
    fake_engine.GONE.clear()
    body = b'{"query":"{container{up}}"}'
    with socket.create_connection((HOST, port), timeout=30) as connection:
        connection.sendall(head(f"Content-Length: {len(body)}") + body)
        assert fake_engine.WAITING.wait(10)
        assert not fake_engine.GONE.is_set()
    assert fake_engine.GONE.wait(10)


def test_answers_on_their_way_are_waited_for(gateway: Gateway) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def answer(query: dict[str, Any], client: Any) -> tuple[int, bytes | LongBody]:
        begun.set()
        go_on.wait(20)
        return gateway(query, client)

    with serving(answer) as (server, port), connected(port) as connection:
        body = json.dumps({"query": "{version}"})
        connection.request("POST", "/query", body, {"Authorization": authorization()})
        assert begun.wait(10)
        server.stop()
        assert not server.drain(0.05)
        go_on.set()
        assert server.drain(10)
        assert connection.getresponse().status == 200


def test_nobody_is_waited_for_who_has_left() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def answer(_query: dict[str, Any], _client: Any) -> tuple[int, bytes]:
        begun.set()
        go_on.wait(20)
        return 200, b"{}"

    with serving(answer) as (server, port):
        with connected(port) as connection:
            body = json.dumps({"query": "{version}"})
            connection.request("POST", "/query", body, {"Authorization": authorization()})
            assert begun.wait(10)
        server.stop()
        assert server.drain(10)
        go_on.set()


def test_one_request_without_threads() -> None:
    listener = listen()
    body = b'{"query":"{version}"}'
    with listener, socket.create_connection(listener.getsockname(), timeout=30) as client:
        client.sendall(head(f"Content-Length: {len(body)}") + body)
        answer_one(listener.accept()[0], Clients(TOKEN), lambda _query, _client: (200, b'{"a":1}'))
        parts = []
        while part := client.recv(65536):
            parts.append(part)
    assert b"".join(parts).endswith(b'{"a":1}')
