"""The API of the installed SDK, ready to serve: read once, kept on disk by its source.

    schema = SchemaCache.open(root, find_client())
    schema.api.field("Container", "from")

Whatever decides what is kept is in the key, so that nothing kept is ever out of date. A cache that
cannot be written costs time and nothing else.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import sys
import threading
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from keelway.engine.schema.client import version_of

if TYPE_CHECKING:
    from graphql import GraphQLSchema

    from keelway.engine.schema.api import Api
    from keelway.engine.schema.reflect import ApiData

_API = "api"
_MAKERS = ("reflect.py", "corrections.py", "build.py", "cache.py")
_INTROSPECTION = "IntrospectionQuery"
_LONGEST_KEPT_QUERY = 16 * 1024


class SchemaCache:
    """One API and what was made from it."""

    def __init__(self, directory: Path, client: Path, source: bytes) -> None:
        """Keep what is made from the source of `client` in `directory`."""
        self._directory = directory
        self._client = client
        self._source = source
        self._lock = threading.RLock()

    @classmethod
    def open(cls, root: Path, client: Path) -> SchemaCache:
        """Return the API of an SDK's generated client, kept somewhere under `root`."""
        source = client.read_bytes()
        key = hashlib.sha256(f"{sys.version_info[:2]} {marshal.version}".encode())
        key.update(source)
        for name in _MAKERS:
            key.update(Path(__file__).with_name(name).read_bytes())
        return cls(root / key.hexdigest()[:32], client, source)

    @cached_property
    def version(self) -> str:
        """The version of Dagger whose API this is."""
        return version_of(self._client)

    @cached_property
    def api(self) -> Api:
        """The API as the executor asks for it."""
        from keelway.engine.schema.api import Api  # noqa: PLC0415 - not for the first answers

        return Api(self._data)

    def schema(self) -> GraphQLSchema:
        """Return the API as graphql-core's schema."""
        with self._lock:  # threads would make it once each
            return self._schema

    def kept_answer(self, query: str) -> bytes | None:
        """Return the answer to a query that SDKs begin with, if it was kept."""
        return self._read(_name(query)) if _is_usual(query) else None

    def keep_answer(self, query: str, answer: bytes) -> None:
        """Keep the answer to a query about the schema if it is one that SDKs begin with."""
        if _is_usual(query):
            self._write(_name(query), answer)

    @cached_property
    def _schema(self) -> GraphQLSchema:
        from keelway.engine.schema.build import build  # noqa: PLC0415 - slow, and rarely needed

        return build(self._data)

    @cached_property
    def _data(self) -> ApiData:
        kept = self._read(_API)
        if kept is not None:
            with suppress(ValueError, EOFError, TypeError):
                return cast("ApiData", marshal.loads(kept))  # noqa: S302 - our own store's file
        from keelway.engine.schema.reflect import reflect  # noqa: PLC0415 - slow, once an SDK

        data = reflect(self._source.decode(), self.version)
        self._write(_API, marshal.dumps(cast("Any", data)))
        return data

    def _read(self, name: str) -> bytes | None:
        try:
            return (self._directory / name).read_bytes()
        except OSError:
            return None

    def _write(self, name: str, content: bytes) -> None:
        """Keep something, complete or not at all."""
        partial = self._directory / f".{name}.{os.getpid()}.{threading.get_ident()}"
        with suppress(OSError):
            self._directory.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(content)
            partial.replace(self._directory / name)


def _is_usual(query: str) -> bool:
    return len(query) < _LONGEST_KEPT_QUERY and _INTROSPECTION in query


def _name(query: str) -> str:
    return f"introspection-{hashlib.sha256(query.encode()).hexdigest()[:32]}"
