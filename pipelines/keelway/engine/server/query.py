"""From a query to its answer: parse, bind, run, and explain what failed."""

from __future__ import annotations

import sys
import traceback
from typing import TYPE_CHECKING, Any

from keelway.engine.errors import EngineError
from keelway.engine.server.bind import META, bind
from keelway.engine.server.encode import LongBody, encode
from keelway.engine.server.execute import Executor, FieldError, asks_twice, collect
from keelway.engine.server.parse import parse
from keelway.engine.server.syntax import FieldNode
from keelway.engine.store.space import disk_error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from keelway.engine.schema.cache import SchemaCache
    from keelway.engine.schema.registry import Resolvers, SessionValues
    from keelway.engine.server.bind import Bound, BoundField
    from keelway.engine.server.document import Operation

OK = 200
UNPROCESSABLE = 422


class Queries:
    """Answers the queries of a session."""

    def __init__(
        self, schema: SchemaCache, backend: Callable[[], tuple[Resolvers, SessionValues]]
    ) -> None:
        """Answer queries on an API by a backend, which is called when a query first needs it."""
        self._schema = schema
        self._api = schema.api
        self._backend = backend

    def answer(self, query: Mapping[str, Any]) -> tuple[int, bytes | LongBody]:
        """Return the status and the body of the answer to one request."""
        try:
            selections, operation = self._read(query)
        except EngineError as error:
            errors = getattr(error, "errors", None) or [{"message": str(error)}]
            return UNPROCESSABLE, encode({"data": None, "errors": errors})
        try:
            answer = encode({"data": self._run(selections, operation)})
        except FieldError as error:
            return OK, encode({"data": None, "errors": [_explain(error.error, error.path)]})
        except Exception as error:  # noqa: BLE001 - the client must get an answer to each query
            return OK, encode({"data": None, "errors": [_explain(error, [])]})
        if isinstance(answer, bytes) and operation is not None and _is_about_schema(operation):
            self._schema.keep_answer(query["query"], answer)
        return OK, answer

    def _read(self, query: Mapping[str, Any]) -> tuple[Sequence[Bound], Operation | None]:
        """Return the bound query; the quick parser's refusal is graphql-core's to explain."""
        text: str = query["query"]
        nodes = parse(text) if not query.get("operationName") else None
        if nodes is not None:
            try:
                bound = bind(self._api, "Query", nodes)
            except EngineError:
                pass
            else:
                if not asks_twice(bound):
                    return bound, None
        from keelway.engine.server import document  # noqa: PLC0415 - slow, and rarely needed

        operation = document.read(
            text,
            self._schema.schema(),
            self._api,
            query.get("variables") or {},
            query.get("operationName") or None,
        )
        return bind(self._api, "Query", operation.nodes), operation

    def _run(self, selections: Sequence[Bound], operation: Operation | None) -> Mapping[str, Any]:
        fields = collect(self._api, "Query", selections)
        about = [field for field in fields if field.name in META]
        rest = [field for field in fields if field.name not in META]
        data: dict[str, Any] = {}
        if about and operation is not None:
            asked = [field.source for field in about]
            data.update(operation.introspect(self._schema.schema(), asked))
        if rest:
            data.update(self._without_session(rest) or self._with_session(rest))
        return {field.key: data[field.key] for field in fields}

    def _without_session(self, fields: Sequence[BoundField]) -> Mapping[str, Any] | None:
        """Return the data of fields that need no session, or None when one does."""
        known = {"version": self._api.version, "__typename": "Query"}
        if any(field.name not in known for field in fields):
            return None
        return {field.key: known[field.name] for field in fields}

    def _with_session(self, fields: Sequence[BoundField]) -> Mapping[str, Any]:
        resolvers, session = self._backend()
        return Executor(self._api, resolvers, session).run(fields)


def _is_about_schema(operation: Operation) -> bool:
    """Tell whether the answer is the same for every session."""
    return not operation.variables and all(
        isinstance(node, FieldNode) and node.name in META for node in operation.nodes
    )


def _explain(error: BaseException, path: Sequence[str]) -> dict[str, Any]:
    """Return an error as the client gets it."""
    if isinstance(error, OSError):
        error = disk_error(error) or error
    elif isinstance(error, ValueError) and "embedded null" in str(error):  # what Python calls it
        error = EngineError("invalid argument: a path, a name or a value has a NUL character")
    if isinstance(error, EngineError):
        message, extensions = str(error), dict(error.extensions())
    else:
        traceback.print_exception(error, file=sys.stderr)
        message = f"internal error of the engine: {type(error).__name__}: {error}"
        extensions = {}
    explained: dict[str, Any] = {"message": message, "path": list(path)}
    if extensions:
        explained["extensions"] = extensions
    return explained
