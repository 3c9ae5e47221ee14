"""The first to see a query: what clients ask while they connect is answered from the disk.

All else goes to `query`, which is imported in the background, with the session, while the client
digests the schema: so that connecting costs the client nearly nothing of the engine's time.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

from keelway.engine.schema.request import set_request
from keelway.engine.spans import set_parent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.engine.backend import Backend
    from keelway.engine.schema.cache import SchemaCache
    from keelway.engine.schema.request import Request
    from keelway.engine.server.encode import LongBody
    from keelway.engine.server.query import Queries

_OK = 200
_HANDSHAKE = frozenset({"{version}", "query{version}"})
_LONGEST_HANDSHAKE = 64


class Gateway:
    """Answers the requests of a session."""

    def __init__(self, schema: SchemaCache, backend: Backend) -> None:
        """Answer queries on an API by what `backend` makes."""
        self._schema = schema
        self._backend = backend
        self._lock = threading.Lock()
        self._made: Queries | None = None

    def __call__(self, query: Mapping[str, Any], request: Request) -> tuple[int, bytes | LongBody]:
        """Return the status and the body of the answer to one request."""
        text: str = query["query"]
        if (kept := self._schema.kept_answer(text)) is not None:
            self._backend.prepare(self._queries)
            return _OK, kept
        anonymous = not query.get("operationName")
        if anonymous and len(text) < _LONGEST_HANDSHAKE and "".join(text.split()) in _HANDSHAKE:
            return _OK, json.dumps({"data": {"version": self._schema.version}}).encode()
        set_request(request)
        set_parent(request.traceparent)
        return self._queries().answer(query)

    def _queries(self) -> Queries:
        from keelway.engine.server.query import Queries  # noqa: PLC0415 - while a client connects

        with self._lock:
            if self._made is None:
                self._made = Queries(self._schema, self._backend)
            return self._made
