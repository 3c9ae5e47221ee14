"""The wire: HTTP, tokens, aliases, variables, errors and the odd corners of GraphQL."""

from __future__ import annotations

import base64
import concurrent.futures
import json
import socket
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.raw_session import RawSession


def test_token_is_asked_for(raw: RawSession) -> None:
    for auth in (None, ("wrong", ""), ("", raw.token)):
        options = {"auth": auth} if auth else {"auth": lambda request: request}
        answer = raw.post({"query": "{ version }"}, **options)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Basic")


def test_version_is_a_word(raw: RawSession) -> None:
    assert raw.data("{ version }")["version"]


def test_body_that_is_no_query_is_an_error_in_json(raw: RawSession) -> None:
    headers = {"Content-Type": "application/json"}
    answer = raw.client.post(raw.url, content=b"{", auth=(raw.token, ""), headers=headers)
    assert answer.status_code >= 400
    assert raw.post({"nothing": 1}).status_code >= 400 or raw.post({}).json()["errors"]


def test_syntax_error_is_told(raw: RawSession) -> None:
    assert "yntax" in raw.error("{ version ")["message"]


def test_answer_is_keyed_by_alias(raw: RawSession) -> None:
    data = raw.data("{ a: version b: version }")
    assert data["a"] == data["b"]
    assert list(data) == ["a", "b"]


def test_variables_operation_names_and_fragments_work(raw: RawSession) -> None:
    query = """
    query Other { version }
    query Wanted($name: String!, $skip: Boolean = true) {
      container { ...Named @skip(if: false) platform @skip(if: $skip) }
    }
    fragment Named on Container {
      withEnvVariable(name: $name, value: "v") { envVariable(name: $name) __typename }
    }
    """
    data = raw.data(query, variables={"name": "A"}, operationName="Wanted")
    inner = {"envVariable": "v", "__typename": "Container"}
    assert data == {"container": {"withEnvVariable": inner}}


def test_error_has_null_data_message_and_path(raw: RawSession) -> None:
    answer = raw.answer('{ container { withError(err: "broken") { sync } } }')
    assert answer["data"] is None
    (error,) = answer["errors"]
    assert error["message"].startswith("broken")
    assert error["path"] == ["container", "withError", "sync"]


def test_path_of_an_error_uses_the_aliases(raw: RawSession) -> None:
    error = raw.error('{ c: container { e: withError(err: "broken") { sync } } }')
    assert error["path"] == ["c", "e", "sync"]


def test_introspection_shows_the_whole_api(raw: RawSession) -> None:
    data = raw.data("{ __schema { queryType { name } mutationType { name } types { name } } }")
    names = {one["name"] for one in data["__schema"]["types"]}
    assert data["__schema"]["queryType"]["name"] == "Query"
    assert data["__schema"]["mutationType"] is None
    assert {"Container", "Directory", "LLM", "Module", "GitRepository", "ID"} <= names
    assert {"ContainerID", "DirectoryID", "SecretID", "ServiceID"} <= names


def test_nullable_fields_are_nullable(raw: RawSession) -> None:
    query = '{ __type(name: "Container") { fields { name type { kind } } } }'
    fields = {one["name"]: one["type"]["kind"] for one in raw.data(query)["__type"]["fields"]}
    assert fields["envVariable"] == "SCALAR"
    assert fields["dockerHealthcheck"] == "OBJECT"
    assert fields["stdout"] == "NON_NULL"


def test_null_object_is_null_whatever_is_selected(raw: RawSession) -> None:
    data = raw.data("{ container { dockerHealthcheck { interval args } } }")
    assert data == {"container": {"dockerHealthcheck": None}}


def test_ids_are_words_that_start_with_a_letter(raw: RawSession) -> None:
    data = raw.data(
        '{ container { id } directory { id } secret(uri: "env://PATH") { id } '
        'cacheVolume(key: "k") { id } file(name: "f", contents: "") { id } host { id } }'
    )
    for one in data.values():
        assert one["id"][0].isalpha()


def test_node_gives_the_object_back_by_its_type(raw: RawSession) -> None:
    made = raw.data('{ directory { withNewFile(path: "f", contents: "x") { id } } }')
    identity = made["directory"]["withNewFile"]["id"]
    data = raw.data(
        f'{{ node(id: "{identity}") {{ __typename ... on Directory {{ entries }} '
        "... on Container { platform } } }"
    )
    assert data["node"] == {"__typename": "Directory", "entries": ["f"]}


def test_older_clients_load_objects_by_their_own_field(raw: RawSession) -> None:
    made = raw.data('{ directory { withNewFile(path: "f", contents: "x") { id } } }')
    identity = made["directory"]["withNewFile"]["id"]
    data = raw.data(f'{{ loadDirectoryFromID(id: "{identity}") {{ entries }} }}')
    assert data["loadDirectoryFromID"]["entries"] == ["f"]


def test_same_recipe_has_the_same_id_and_secrets_do_not(raw: RawSession) -> None:
    query = '{ container { withEnvVariable(name: "A", value: "1") { id } } }'
    assert raw.data(query) == raw.data(query)
    query = '{ setSecret(name: "same", plaintext: "x") { id } }'
    assert raw.data(query) != raw.data(query)


def test_sync_answers_with_an_id(raw: RawSession) -> None:
    identity = raw.data("{ directory { sync } }")["directory"]["sync"]
    data = raw.data(f'{{ node(id: "{identity}") {{ ... on Directory {{ entries }} }} }}')
    assert data["node"]["entries"] == []


def test_objects_in_lists_have_ids(raw: RawSession) -> None:
    data = raw.data(
        '{ container { withEnvVariable(name: "A", value: "1") { envVariables { id name } } } }'
    )
    (variable,) = data["container"]["withEnvVariable"]["envVariables"]
    assert variable["name"] == "A"
    again = raw.data(
        f'{{ node(id: "{variable["id"]}") {{ ... on EnvVariable {{ name value }} }} }}'
    )
    assert again["node"] == {"name": "A", "value": "1"}


@pytest.mark.parametrize("word", ["OCIMediaTypes", "DockerMediaTypes"])
def test_enums_have_their_canonical_names(raw: RawSession, word: str) -> None:
    query = '{ __type(name: "ImageMediaTypes") { enumValues { name } } }'
    assert word in {one["name"] for one in raw.data(query)["__type"]["enumValues"]}


def test_integers_carry_64_bits(raw: RawSession) -> None:
    stamp = 2**33
    data = raw.data(
        f'{{ directory {{ withNewFile(path: "f", contents: "") '
        f"{{ withTimestamps(timestamp: {stamp}) {{ entries }} }} }} }}"
    )
    assert data["directory"]["withNewFile"]["withTimestamps"]["entries"] == ["f"]


def test_chain_of_300_selections_is_answered(raw: RawSession) -> None:
    text = "".join(f'withEnvVariable(name: "V{n}", value: "{n}") {{ ' for n in range(300))
    query = "{ container { " + text + 'envVariable(name: "V299") ' + "} " * 301 + "}"
    found = json.dumps(raw.data(query))
    assert '"envVariable": "299"' in found


def test_large_texts_pass_both_ways(raw: RawSession) -> None:
    text = "0123456789" * 200_000
    data = raw.data(
        'query($text: String!) { file(name: "f", contents: $text) { size contents } }',
        variables={"text": text},
    )
    assert data["file"] == {"size": len(text), "contents": text}


def test_requests_are_answered_side_by_side(raw: RawSession) -> None:
    query = '{ directory { withNewFile(path: "f", contents: "x") { entries } } }'
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: raw.data(query), range(100)))
    assert len({json.dumps(answer) for answer in answers}) == 1


def test_other_paths_and_methods_are_refused(raw: RawSession) -> None:
    base = raw.url.removesuffix("/query")
    assert raw.client.post(f"{base}/other", auth=(raw.token, "")).status_code == 404
    assert raw.client.put(raw.url, auth=(raw.token, "")).status_code in {400, 404, 405}


def test_connection_is_kept_alive_and_may_be_idle(raw: RawSession) -> None:
    body = b'{"query": "{ version }"}'
    basic = base64.b64encode(f"{raw.token}:".encode()).decode()
    head = (
        f"POST /query HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: Basic {basic}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    with socket.create_connection(("127.0.0.1", raw.port), timeout=10) as connection:
        for pause_s in (0, 0.1, 2):
            time.sleep(pause_s)
            connection.sendall(head + body)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")


def test_texts_may_have_escapes_blocks_and_any_character(raw: RawSession) -> None:
    data = raw.data(
        '{ a: file(name: "f", contents: "\\u00fc\\n\\t\\"\\\\ \\u{1F600} \\ud83d\\ude00") '
        "{ contents } "
        'b: file(name: "f", contents: """\n    one\n      two "quoted"\n    """) { contents } '
        'c: file(name: "f", contents: "ü€😀") { contents } }'
    )
    assert data["a"]["contents"] == 'ü\n\t"\\ 😀 😀'
    assert data["b"]["contents"] == 'one\n  two "quoted"'
    assert data["c"]["contents"] == "ü€😀"


def test_body_may_come_in_chunks(raw: RawSession) -> None:
    pieces = (bytes([byte]) for byte in b'{"query": "{ version }"}')
    headers = {"Content-Type": "application/json"}
    answer = raw.client.post(raw.url, content=pieces, auth=(raw.token, ""), headers=headers)
    assert answer.json()["data"]["version"]


def test_first_of_several_errors_wins_and_data_is_null(raw: RawSession) -> None:
    answer = raw.answer(
        '{ version container { a: withError(err: "one") { sync } '
        'b: withError(err: "two") { sync } } }'
    )
    assert answer["data"] is None
    assert answer["errors"][0]["message"].startswith(("one", "two"))


def test_lists_of_objects_are_asked_in_depth(raw: RawSession) -> None:
    data = raw.data(
        "{ container { withExposedPort(port: 1) { withExposedPort(port: 2) "
        "{ exposedPorts { port protocol description } } } } }"
    )
    ports = data["container"]["withExposedPort"]["withExposedPort"]["exposedPorts"]
    assert ports == [
        {"port": 1, "protocol": "TCP", "description": None},
        {"port": 2, "protocol": "TCP", "description": None},
    ]


def test_mutations_are_refused(raw: RawSession) -> None:
    assert raw.error("mutation { version }")["message"]
