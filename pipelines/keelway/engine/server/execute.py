"""Runs a bound query: chains in a loop, siblings side by side, the first error wins.

A field's work is its resolver's; what is the same for all types is done here: `id`, `sync`,
`node`, `loadFooFromID`, `__typename`, lists, and objects whose type only the value knows.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from keelway.engine.errors import EngineError
from keelway.engine.schema.registry import Typed
from keelway.engine.schema.text import LongText
from keelway.engine.schema.unsupported import unsupported
from keelway.engine.server.bind import BoundField
from keelway.engine.server.branches import Branches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.engine.schema.api import Api, Field, TypeRef
    from keelway.engine.schema.registry import Resolvers, SessionValues
    from keelway.engine.server.bind import Bound

Path: TypeAlias = "tuple[Path, str] | None"
_LEAVES = (str, int, float, LongText)


class FieldError(Exception):
    """An error with the field at which it happened."""

    def __init__(self, path: Path, error: BaseException) -> None:
        """Keep the error of the field at `path`."""
        super().__init__(str(error))
        self.error = error
        self.path: list[str] = []
        while path is not None:
            path, key = path
            self.path.insert(0, key)


def collect(api: Api, type_name: str, selections: Sequence[Bound]) -> list[BoundField]:
    """Return the fields that count for a type; those of one key are one field."""
    if len(selections) == 1 and isinstance(selections[0], BoundField):
        return [selections[0]]
    fields: dict[str, BoundField] = {}
    for bound in _flat(api, type_name, selections):
        same = fields.get(bound.key)
        if same is None:
            fields[bound.key] = bound
        else:
            both = (*(same.selections or ()), *(bound.selections or ()))
            fields[bound.key] = replace(same, selections=both or None)
    return list(fields.values())


def _flat(api: Api, type_name: str, selections: Sequence[Bound]) -> list[BoundField]:
    flat: list[BoundField] = []
    for bound in selections:
        if isinstance(bound, BoundField):
            flat.append(bound)
        elif api.is_a(type_name, bound.condition):
            flat += _flat(api, type_name, bound.selections)
    return flat


def asks_twice(selections: Sequence[Bound]) -> bool:
    """Tell whether a key may be used twice in one place: whether that is right is hard to say."""
    waiting = [selections]
    while waiting:
        bounds = waiting.pop()
        keys = [bound.key for bound in bounds if isinstance(bound, BoundField)]
        if len(set(keys)) < len(keys) or (len(bounds) > 1 and len(keys) < len(bounds)):
            return True
        waiting += [bound.selections for bound in bounds if bound.selections]
    return False


class Executor:
    """Answers queries of one session."""

    def __init__(self, api: Api, resolvers: Resolvers, session: SessionValues) -> None:
        """Answer by these resolvers; `session` is also the parent of the fields of `Query`."""
        self._api = api
        self._resolvers = resolvers
        self._session = session
        self._branches = Branches()

    def run(self, selections: Sequence[Bound]) -> dict[str, Any]:
        """Return the data of a query.

        Raises:
            FieldError: a field failed.
        """
        return self._object("Query", self._session, selections, None)

    def _object(
        self, type_name: str, value: Any, selections: Sequence[Bound], path: Path
    ) -> dict[str, Any]:
        """Return what is selected of an object, following a single selection down in a loop."""
        root: dict[str, Any] = {}
        data = root
        while True:
            fields = collect(self._api, type_name, selections)
            if len(fields) != 1:
                self._several(data, type_name, value, fields, path)
                return root
            field = fields[0]
            path = (path, field.key)
            result = self._resolve(type_name, value, field, path)
            inner = field.selections
            if inner is None or field.field is None or result is None or isinstance(result, list):
                data[field.key] = self._complete(field, result, path)
                return root
            type_name, value = self._typed(field.field, result, path)
            selections = inner
            data[field.key] = data = {}

    def _field(self, type_name: str, value: Any, field: BoundField, path: Path) -> Any:
        path = (path, field.key)
        return self._complete(field, self._resolve(type_name, value, field, path), path)

    def _several(
        self,
        data: dict[str, Any],
        type_name: str,
        value: Any,
        fields: Sequence[BoundField],
        path: Path,
    ) -> None:
        """Put several fields of an object into `data`, the slow ones side by side."""
        data.update(dict.fromkeys(field.key for field in fields))  # in the order of the query
        slow: list[BoundField] = []
        for field in fields:
            if self._is_quick(type_name, field):
                data[field.key] = self._field(type_name, value, field, path)
            else:
                slow.append(field)
        results = self._branches.run(
            [partial(self._field, type_name, value, field, path) for field in slow]
        )
        data.update(zip((field.key for field in slow), results, strict=True))

    def _is_quick(self, type_name: str, field: BoundField) -> bool:
        return (
            field.field is None
            or field.name == "id"
            or self._resolvers.is_record(type_name, field.name)
        )

    def _complete(self, bound: BoundField, result: Any, path: Path) -> Any:
        """Return a result as it goes on the wire."""
        field = bound.field
        if field is None:
            return result
        try:
            return self._shape(bound, field, field.type, result, path)
        except FieldError:
            raise
        except Exception as error:
            raise FieldError(path, error) from error

    def _shape(self, bound: BoundField, field: Field, ref: TypeRef, result: Any, path: Path) -> Any:
        if result is None:
            if ref.non_null and ref.name != "Void":
                raise TypeError(f"the resolver of {field} returned nothing")
            return None
        if ref.item is not None:
            return self._list(bound, field, ref.item, result, path)
        if bound.selections is not None:
            type_name, value = self._typed(field, result, path)
            return self._object(type_name, value, bound.selections, path)
        return self._leaf(field, ref, result)

    def _leaf(self, field: Field, ref: TypeRef, result: Any) -> str | float | LongText:
        if ref.name in self._api.ids and not isinstance(result, str):
            return self._session.id_of(field.expected or field.owner, result)
        if not isinstance(result, _LEAVES):
            raise TypeError(f"the resolver of {field} returned a {type(result).__name__}")
        return result

    def _list(
        self, bound: BoundField, field: Field, item: TypeRef, result: Any, path: Path
    ) -> list[Any]:
        if not isinstance(result, list | tuple):
            raise TypeError(f"the resolver of {field} returned no list")
        values = cast("Sequence[Any]", result)
        if bound.selections is None:
            return [self._shape(bound, field, item, value, path) for value in values]
        return self._items(bound, field, item, values, path)

    def _items(
        self, bound: BoundField, field: Field, item: TypeRef, values: Sequence[Any], path: Path
    ) -> list[Any]:
        def work(index: int, value: Any) -> Any:
            return self._shape(bound, field, item, value, (path, str(index)))

        fields = _flat(self._api, item.name, bound.selections or ())
        if all(self._is_quick(item.name, selected) for selected in fields):
            return [work(index, value) for index, value in enumerate(values)]
        return self._branches.run(
            [partial(work, index, value) for index, value in enumerate(values)]
        )

    def _typed(self, field: Field, result: Any, path: Path) -> tuple[str, Any]:
        """Return the type's name with the value, of a result that is an object."""
        if isinstance(result, Typed):
            return result.type_name, result.value
        if not self._api.is_interface(field.type.name):
            return field.type.name, result
        name = getattr(result, "graphql_type", None)
        if not isinstance(name, str):
            error = TypeError(f"the resolver of {field} returned a value without a type")
            raise FieldError(path, error)
        return name, result

    def _resolve(self, type_name: str, value: Any, field: BoundField, path: Path) -> Any:
        try:
            return self._answer(type_name, value, field)
        except FieldError:
            raise
        except Exception as error:
            raise FieldError(path, error) from error

    def _answer(self, type_name: str, value: Any, bound: BoundField) -> Any:
        """Return what a field gives: by its resolver, or by what all types have in common."""
        field = bound.field
        if field is None:
            return self._meta(type_name, bound)
        if type_name == "Query" and bound.name == "version":
            return self._api.version
        resolver = self._resolvers.find(type_name, bound.name)
        if resolver is not None:
            return resolver(value, bound.arguments, self._session)
        if bound.name == "id":
            return self._session.id_of(type_name, value)
        if bound.name == "sync":
            self._session.sync(type_name, value)
            return self._session.id_of(type_name, value)
        if type_name == "Query":
            return self._root(field, bound.arguments)
        raise unsupported(type_name, bound.name)

    def _meta(self, type_name: str, bound: BoundField) -> str:
        if bound.name != "__typename":
            raise EngineError(f"{bound.name} can only be asked for at the top of a query")
        return type_name

    def _root(self, field: Field, arguments: dict[str, Any]) -> Any:
        if field.name == "node":
            return Typed(*self._session.node(arguments["id"]))
        if field.name == f"load{field.type.name}FromID":
            value = self._session.load(arguments["id"], field.type.name)
            return Typed(field.type.name, value)
        raise unsupported("Query", field.name)
