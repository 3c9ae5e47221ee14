"""Queries of all kinds, by the fake session."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from graphql import get_introspection_query

from keelway.engine.backend import Backend
from keelway.engine.errors import EngineError
from keelway.engine.schema.registry import Resolvers
from keelway.engine.schema.request import NoClient
from keelway.engine.server.gateway import Gateway
from tests.unit.engine.server.fake_engine import RESOLVERS, Box, Session, Tree

if TYPE_CHECKING:
    from keelway.engine.schema.cache import SchemaCache
    from tests.unit.engine.server.conftest import Ask

EXEC = 'withExec(args: ["a", "b"])'


def failure(answer: dict[str, Any]) -> dict[str, Any]:
    assert answer["data"] is None
    return dict(answer["errors"][0])


def test_a_chain_is_answered_by_its_aliases(ask: Ask) -> None:
    text = "{ container { x: " + EXEC + " { y: stdout } } }"
    assert ask(text) == {"data": {"container": {"x": {"y": "a b SUCCESS"}}}}


def test_siblings_keep_the_order_of_the_query(ask: Ask) -> None:
    data = ask("{ container { b: stderr a: platform c: exitCode __typename } version }")["data"]
    assert list(data["container"].items()) == [
        ("b", ""),
        ("a", "linux/amd64"),
        ("c", 2**40),
        ("__typename", "Container"),
    ]
    assert list(data) == ["container", "version"]


def test_slow_siblings_run_side_by_side(schema: SchemaCache) -> None:
    meeting = threading.Barrier(2, timeout=20)
    resolvers = Resolvers()
    resolvers.field("Query", "container")(lambda *_: Box())
    for name in ("stdout", "stderr"):
        resolvers.field("Container", name)(lambda *_: str(meeting.wait() >= 0))
    gateway = Gateway(schema, Backend(lambda: (resolvers, Session())))
    status, body = gateway({"query": "{ container { stdout stderr } }"}, NoClient())
    assert (status, body) == (200, b'{"data":{"container":{"stdout":"True","stderr":"True"}}}')


def test_lists_of_objects(ask: Ask) -> None:
    variables = (
        'a: withEnvVariable(name: "A", value: "1") { b: withEnvVariable(name: "B", value: "2")'
    )
    data = ask("{ container { " + variables + " { envVariables { name value } } } } }")["data"]
    assert data["container"]["a"]["b"]["envVariables"] == [
        {"name": "A", "value": "1"},
        {"name": "B", "value": "2"},
    ]


def test_null_where_it_is_allowed(ask: Ask) -> None:
    data = ask('{ container { envVariable(name: "X") dockerHealthcheck { interval } } }')["data"]
    assert data == {"container": {"envVariable": None, "dockerHealthcheck": None}}


def test_ids_sync_node_and_load(ask: Ask, session: Session) -> None:
    id_ = ask("{ container { " + EXEC + " { id } } }")["data"]["container"]["withExec"]["id"]
    assert session.synced == []
    synced = ask("{ container { " + EXEC + " { sync } } }")["data"]["container"]["withExec"]["sync"]
    assert (synced, session.synced) == (id_, ["Container"])
    inside = "id __typename ... on Container { stdout } ... on File { size }"
    query = f'{{ node(id: "{id_}") {{ {inside} }} }}'
    assert ask(query)["data"]["node"] == {
        "id": id_,
        "__typename": "Container",
        "stdout": "a b SUCCESS",
    }
    query = f'{{ loadContainerFromID(id: "{id_}") {{ stdout }} }}'
    assert ask(query)["data"] == {"loadContainerFromID": {"stdout": "a b SUCCESS"}}


def test_an_id_of_another_kind_is_refused(ask: Ask) -> None:
    id_ = ask("{ directory { id } }")["data"]["directory"]["id"]
    error = failure(ask(f'{{ loadContainerFromID(id: "{id_}") {{ id }} }}'))
    assert error["message"] == "expected the ID of a Container, got one of a Directory"
    assert error["path"] == ["loadContainerFromID"]


def test_interfaces_by_the_type_that_the_value_has(ask: Ask) -> None:
    id_ = ask("{ directory { id } }")["data"]["directory"]["id"]
    query = f'{{ loadSyncerFromID(id: "{id_}") {{ id }} }}'
    assert "expected the ID of a Syncer" in failure(ask(query))["message"]
    query = (
        f'{{ node(id: "{id_}") {{ ... on Syncer {{ sync }} ... on Exportable {{ __typename }} }} }}'
    )
    assert ask(query)["data"]["node"] == {"sync": id_, "__typename": "Directory"}


def test_object_arguments_enums_and_defaults(ask: Ask) -> None:
    id_ = ask('{ directory { withNewFile(path: "f", contents: "c") { id } } }')["data"][
        "directory"
    ]["withNewFile"]["id"]
    query = f'{{ container {{ withDirectory(path: "/d", source: "{id_}") {{ stdout }} }} }}'
    assert ask(query)["data"]["container"]["withDirectory"]["stdout"] == "/d=root+f:644"
    query = '{ container { publish(address: "r", forcedCompression: GZIP, mediaTypes: DOCKER) } }'
    assert ask(query)["data"]["container"]["publish"] == "r 0 DockerMediaTypes Gzip"


def test_variables_fragments_directives_and_operations(ask: Ask) -> None:
    text = """
    query First($args: [String!]!, $yes: Boolean = true, $no: Boolean!, $path: String) {
      container { ...Run ... @include(if: $no) { platform } }
    }
    query Second { version }
    fragment Run on Container {
      withExec(args: $args, redirectStdin: $path) { stdout user @skip(if: $yes) }
    }
    """
    answer = ask(text, {"args": ["x"], "no": False}, operationName="First")
    assert answer == {"data": {"container": {"withExec": {"stdout": "x SUCCESS"}}}}


def test_the_same_field_twice_is_one_field(ask: Ask) -> None:
    text = "{ container { " + EXEC + " { stdout } " + EXEC + " { stderr } } }"
    assert ask(text)["data"] == {"container": {"withExec": {"stdout": "a b SUCCESS", "stderr": ""}}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "Syntax Error: Expected Name, found <EOF>."),
        ("{ nothing }", "Cannot query field 'nothing' on type 'Query'."),
        ("{ container }", "field 'container' of type 'Container' must have a selection"),
        ("{ version { id } }", "Field 'version' must not have a selection"),
        ("{ container { withExec { id } } }", "of type '[String!]!' is required"),
        ('{ container { withExec(arg: "x") { id } } }', "Unknown argument 'arg' on field"),
        ("{ container { a: stdout a: stderr } }", "Fields 'a' conflict"),
        ("{ container { withUser(name: 1) { id } } }", "expected a string, found an integer"),
        ("query A { version } query B { version }", "operationName must say which"),
        ("mutation { version }", "mutation"),
        ("query ($n: Int!) { version }", "Variable '$n' is never used"),
    ],
)
def test_wrong_queries_are_refused_before_anything_runs(
    ask: Ask, session: Session, text: str, message: str
) -> None:
    error = failure(ask(text))
    assert message.replace("'", '"') in error["message"].replace("'", '"')
    assert session.values == {}


def test_a_missing_or_wrong_variable_is_named(ask: Ask) -> None:
    text = "query ($args: [String!]!) { container { withExec(args: $args) { id } } }"
    assert '"$args" of required type' in failure(ask(text))["message"]
    assert 'Variable "$args"' in failure(ask(text, {"args": [1]}))["message"]


def test_a_failed_command_carries_what_the_sdk_reads(ask: Ask) -> None:
    error = failure(ask('{ container { e: withExec(args: ["fail", "3"]) { out: stdout } } }'))
    assert error == {
        "message": "exit code: 3",
        "path": ["container", "e", "out"],
        "extensions": {
            "_type": "EXEC_ERROR",
            "cmd": ["sh", "-c", "exit"],
            "exitCode": 3,
            "stdout": "out",
            "stderr": "err",
        },
    }


def test_a_field_without_resolver_names_itself(ask: Ask) -> None:
    error = failure(ask("{ container { terminal { id } } }"))
    assert error["message"].startswith("Container.terminal is not supported by the local engine")
    assert error["path"] == ["container", "terminal"]


def test_a_defect_is_an_error_with_a_trace_for_us(
    ask: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    error = failure(ask("{ container { user } }"))
    assert error["message"] == "internal error of the engine: KeyError: 'a defect of the engine'"
    assert "extensions" not in error
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "result", "message"),
    [
        ("stdout", None, "returned nothing"),
        ("stdout", b"bytes", "returned a bytes"),
        ("mounts", "/one", "returned no list"),
        ("mounts", [None], "returned nothing"),
    ],
)
def test_a_resolver_that_returns_the_wrong_thing_is_a_defect(
    schema: SchemaCache, name: str, result: object, message: str
) -> None:
    resolvers = Resolvers()
    resolvers.field("Query", "container")(lambda *_: Box())
    resolvers.field("Container", name)(lambda *_: result)
    gateway = Gateway(schema, Backend(lambda: (resolvers, Session())))
    _, body = gateway({"query": f"{{ container {{ {name} }} }}"}, NoClient())
    assert isinstance(body, bytes)
    assert message in body.decode()


def test_the_first_error_wins_without_waiting_for_the_others(schema: SchemaCache) -> None:
    waiting = threading.Event()
    resolvers = Resolvers()
    resolvers.field("Query", "container")(lambda *_: Box())
    resolvers.field("Container", "stderr")(lambda *_: str(waiting.wait(60)))

    def fail(*_: object) -> str:
        raise EngineError("at once")

    resolvers.field("Container", "stdout")(fail)
    gateway = Gateway(schema, Backend(lambda: (resolvers, Session())))
    _, body = gateway({"query": "{ container { stderr stdout } }"}, NoClient())
    waiting.set()
    assert body == (b'{"data":null,"errors":[{"message":"at once","path":["container","stdout"]}]}')


def test_introspection_is_complete_and_kept(ask: Ask, schema: SchemaCache) -> None:
    text = get_introspection_query(descriptions=True, input_value_deprecation=True)
    answer = ask(text)
    names = {kind["name"] for kind in answer["data"]["__schema"]["types"]}
    assert {"Container", "ContainerID", "Syncer", "ImageMediaTypes", "PortForward"} <= names
    assert schema.kept_answer(text) is not None
    assert ask(text) == answer


def test_introspection_beside_other_fields(ask: Ask, schema: SchemaCache) -> None:
    text = 'query IntrospectionQuery { version t: __type(name: "Label") { fields { name } } }'
    data = ask(text)["data"]
    assert list(data) == ["version", "t"]
    assert [field["name"] for field in data["t"]["fields"]] == ["id", "name", "value"]
    assert schema.kept_answer(text) is None


def test_a_query_that_only_mentions_introspection_is_never_kept(
    ask: Ask, schema: SchemaCache
) -> None:
    text = '{ container { withExec(args: ["IntrospectionQuery"]) { stdout } } }'
    assert ask(text)["data"]["container"]["withExec"]["stdout"] == "IntrospectionQuery SUCCESS"
    assert schema.kept_answer(text) is None


def test_the_version_needs_no_session(schema: SchemaCache) -> None:
    def fail() -> tuple[Resolvers, Session]:
        raise EngineError("there is no container runtime")

    gateway = Gateway(schema, Backend(fail))
    for text in ("{\n  version\n}", "query { version v: version }"):
        _, body = gateway({"query": text}, NoClient())
        assert isinstance(body, bytes)
        assert b'"version":"v' in body.replace(b" ", b"")
    for _ in range(2):
        status, body = gateway({"query": "{ container { id } }"}, NoClient())
        assert status == 200
        assert b'"message":"there is no container runtime"' in body


def test_equal_recipes_have_equal_ids(session: Session) -> None:
    assert session.id_of("Directory", Tree("a")) == session.id_of("Directory", Tree("a"))


def test_the_fake_declares_only_fields_of_the_api(schema: SchemaCache) -> None:
    assert RESOLVERS.unknown_to(schema.api.fields()) == []
