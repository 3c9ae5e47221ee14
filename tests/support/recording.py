"""An engine that runs nothing: it records what the SDK asks for and answers from a script.

    engine.answer("exitCode", 0)
    engine.answer("publish", lambda chain: f"{chain['publish']['address']}@{DIGEST}")
    async with engine.connect() as client:
        ...
    assert engine.asked("publish")[0].text == "container.publish(address: 'localhost/app:1')"

It is a GraphQL server behind the real, unmodified SDK. Every request ends at one field; the chain
of calls that leads there is recorded whole: where an object was handed over by its id, the chain
that made the object stands in its place.
"""

from __future__ import annotations

import functools
import json
import sys
import threading
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from graphql import (
    FieldNode,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    graphql_sync,
    parse,
    value_from_ast_untyped,
)

from keelway.engine.schema.build import build
from keelway.engine.schema.client import find_client
from keelway.engine.schema.reflect import reflect

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator

    import dagger

_ID = "recorded-"


@dataclass(frozen=True, slots=True)
class Call:
    """One field with its arguments."""

    field: str
    arguments: dict[str, Any]

    @property
    def text(self) -> str:
        """Return the call as it would be written."""
        if not self.arguments:
            return self.field
        written = (f"{name}: {_written(value)}" for name, value in self.arguments.items())
        return f"{self.field}({', '.join(written)})"


@dataclass(frozen=True, slots=True)
class Chain:
    """All calls that lead to one field, its own last."""

    calls: tuple[Call, ...]

    @property
    def text(self) -> str:
        """Return the chain as it would be written."""
        return ".".join(call.text for call in self.calls)

    @property
    def leaf(self) -> str:
        """Return the field that the chain ends with."""
        return self.calls[-1].field

    def all(self, name: str) -> list[dict[str, Any]]:
        """Return the arguments of each call of this field."""
        return [call.arguments for call in self.calls if call.field == name]

    def __getitem__(self, name: str) -> dict[str, Any]:
        """Return the arguments of the last call of this field."""
        found = self.all(name)
        if not found:
            raise KeyError(f"{name} is not called in {self.text}")
        return found[-1]

    def __contains__(self, name: str) -> bool:
        """Return whether this field is called."""
        return bool(self.all(name))


def _written(value: object) -> str:
    if isinstance(value, Chain):
        return f"<{value.text}>"
    if isinstance(value, list):
        return f"[{', '.join(_written(item) for item in value)}]"
    return repr(value)


@dataclass(slots=True)
class Failure(Exception):  # noqa: N818 - an answer, in the script's words
    """An answer that is an error."""

    message: str
    extensions: dict[str, Any] = field(default_factory=dict)


def exec_failure(command: list[str], code: int, *, stdout: str = "", stderr: str = "") -> Failure:
    """Return the answer to a command that failed."""
    extensions = {"_type": "EXEC_ERROR", "cmd": command, "exitCode": code}
    return Failure(f"exit code: {code}", {**extensions, "stdout": stdout, "stderr": stderr})


Answer = object


@dataclass(slots=True)
class RecordingEngine:
    """The script, and what was asked for."""

    requests: list[Chain] = field(default_factory=list[Chain])
    """Every chain that ended at something else than an id, in the order of arrival."""
    _script: dict[str, Callable[[Chain], Answer]] = field(default_factory=dict)
    _objects: dict[str, Chain] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _port: int = 0

    def answer(self, leaf: str, answer: Answer) -> None:
        """Answer every chain that ends at this field.

        Args:
            leaf: The field.
            answer: The value, a `Failure`, or a function of the chain that returns either.
        """
        if callable(answer) and not isinstance(answer, Failure):
            self._script[leaf] = answer
        else:
            self._script[leaf] = lambda _chain: answer

    def __post_init__(self) -> None:
        """Answer what the SDK asks by itself."""
        self.answer("version", "v0.0.0-recording")

    def asked(self, leaf: str) -> list[Chain]:
        """Return every chain that ended at this field."""
        with self._lock:
            return [chain for chain in self.requests if chain.leaf == leaf]

    def execute(self, query: str) -> dict[str, Any]:
        """Return the answer to one query."""
        definitions = parse(query).definitions
        (operation,) = (node for node in definitions if isinstance(node, OperationDefinitionNode))
        if operation.name is not None and operation.name.value == "IntrospectionQuery":
            return {"data": _introspection(query)}
        keys, chain = self._walk(operation)
        try:
            value: object = self._value(chain)
        except Failure as failure:
            path = [call.field for call in chain.calls]
            error = {"message": failure.message, "path": path, "extensions": failure.extensions}
            return {"data": None, "errors": [error]}
        for key in reversed(keys):
            value = {key: value}
        return {"data": value}

    def _value(self, chain: Chain) -> Answer:
        if chain.leaf != "id":
            with self._lock:
                self.requests.append(chain)
        answer = self._script.get(chain.leaf)
        if answer is None and chain.leaf in {"id", "sync"}:
            return self._id_of(Chain(chain.calls[:-1]))
        if answer is None:
            raise Failure(f"the script has no answer for {chain.leaf}: {chain.text}")
        value = answer(chain)
        if isinstance(value, Failure):
            raise value
        return self._id_of(Chain(chain.calls[:-1])) if value is None else value

    def _id_of(self, chain: Chain) -> str:
        with self._lock:
            for known, other in self._objects.items():
                if other == chain:
                    return known
            name = f"{_ID}{len(self._objects)}"
            self._objects[name] = chain
            return name

    def _walk(self, operation: OperationDefinitionNode) -> tuple[list[str], Chain]:
        """Return the keys of the answer and the chain of calls of a query with one leaf."""
        keys: list[str] = []
        calls: list[Call] = []
        selections: SelectionSetNode | None = operation.selection_set
        while selections is not None:
            (node,) = selections.selections
            assert isinstance(node, FieldNode | InlineFragmentNode)
            if isinstance(node, FieldNode):
                keys.append(node.alias.value if node.alias else node.name.value)
                calls.extend(self._calls(node))
            selections = node.selection_set
        return keys, Chain(tuple(calls))

    def _calls(self, node: FieldNode) -> tuple[Call, ...]:
        arguments = {
            argument.name.value: self._argument(value_from_ast_untyped(argument.value))
            for argument in node.arguments or ()
        }
        if node.name.value != "node":
            return (Call(node.name.value, arguments),)
        loaded = arguments["id"]
        assert isinstance(loaded, Chain)
        return loaded.calls

    def _argument(self, value: object) -> object:
        if isinstance(value, list):
            return [self._argument(item) for item in value]
        if isinstance(value, str) and value.startswith(_ID):
            return self._objects[value]
        return value

    @contextmanager
    def serve(self) -> Generator[int]:
        """Serve on a free port of the loopback until the block ends."""
        server = _Server(("127.0.0.1", 0), functools.partial(_Handler, self))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            self._port = server.server_address[1]
            yield self._port
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def environment(self) -> dict[str, str]:
        """Return what tells the SDK of this session."""
        return {"DAGGER_SESSION_PORT": str(self._port), "DAGGER_SESSION_TOKEN": "recording"}

    @asynccontextmanager
    async def connect(self) -> AsyncGenerator[dagger.Client]:
        """Give a client of the real SDK that is connected to this engine."""
        import dagger  # noqa: PLC0415 - the fake engine's program has no client
        import pytest  # noqa: PLC0415 - nor is it a test

        with self.serve(), pytest.MonkeyPatch.context() as patch:
            for name, value in self.environment().items():
                patch.setenv(name, value)
            async with dagger.Connection(dagger.Config(retry=None)) as client:
                yield client


@functools.cache
def _schema() -> GraphQLSchema:
    source = find_client().read_text(encoding="utf-8")
    return build(reflect(source, f"v{version('dagger-io')}"))


@functools.cache
def _introspection(query: str) -> dict[str, Any]:
    result = graphql_sync(_schema(), query)
    assert not result.errors, result.errors
    assert result.data is not None
    return result.data


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # the SDK asks for as many ids at once as there are objects

    def handle_error(self, request: object, client_address: object) -> None:
        """Tell of mistakes here, not of clients that went away: some tests send them away."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type] # passed on


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, engine: RecordingEngine, *args: Any) -> None:
        self._engine = engine
        super().__init__(*args)

    def do_POST(self) -> None:
        """Answer one query."""
        length = int(self.headers["Content-Length"])
        query = json.loads(self.rfile.read(length))["query"]
        body = json.dumps(self._engine.execute(query)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay silent."""
