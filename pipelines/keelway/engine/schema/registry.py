"""How the API's fields are given their work: a table from (type, field) to a function.

    RESOLVERS = Resolvers()

    @RESOLVERS.field("Container", "withExec")
    def with_exec(parent, args, session): ...

    RESOLVERS.record("Label", "name", "value")

A resolver gets the value of its parent object (the session itself for `Query`), its arguments by
their GraphQL names, and the session. Arguments are coerced and defaults are filled in; an optional
argument that was not given and has no default is absent, and so is one that was given as null.
Enum values come by their canonical name, objects by their ID. The result is a Python scalar, a
list, None, or a value of the engine; the schema says which GraphQL type it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Arguments: TypeAlias = dict[str, Any]
Resolver: TypeAlias = Callable[[Any, Arguments, Any], object]
R = TypeVar("R", bound=Resolver)


class SessionValues(Protocol):
    """What the executor itself needs of a session: the meaning of IDs, and evaluation."""

    def id_of(self, type_name: str, value: Any) -> str:
        """Return the ID of a value; equal values have equal IDs, which start with a letter."""
        ...

    def load(self, id_: str, type_name: str) -> Any:
        """Return the value of an ID that must be of this type."""
        ...

    def node(self, id_: str) -> tuple[str, Any]:
        """Return the type's name and the value of any ID."""
        ...

    def sync(self, type_name: str, value: Any) -> None:
        """Evaluate the value, raising what makes it fail."""
        ...

    def close(self) -> None:
        """End what runs for the session."""
        ...


@dataclass(frozen=True, slots=True)
class Typed:
    """A value with the name of its type, for a field that is declared to give an interface."""

    type_name: str
    value: Any


class Resolvers:
    """The fields that the engine can answer."""

    def __init__(self) -> None:
        self._fields: dict[tuple[str, str], Resolver] = {}
        self._records: set[tuple[str, str]] = set()

    def field(self, type_name: str, field: str) -> Callable[[R], R]:
        """Return a decorator that makes a function the resolver of one field."""

        def register(resolver: R) -> R:
            self._add((type_name, field), resolver)
            return resolver

        return register

    def record(self, type_name: str, *fields: str, **attributes: str) -> None:
        """Answer these fields by the attributes of the value, called alike in snake case.

        Args:
            type_name: the GraphQL type.
            fields: GraphQL names of fields.
            attributes: GraphQL names with an attribute's name that is not the field's own.
        """
        names = {name: _snake(name) for name in fields} | attributes
        for name, attribute in names.items():
            self._add((type_name, name), _attribute(attribute))
            self._records.add((type_name, name))

    def include(self, *others: Resolvers) -> Self:
        """Take over the fields of other tables and return this one."""
        for other in others:
            for key, resolver in other._fields.items():
                self._add(key, resolver)
            self._records |= other._records  # noqa: SLF001 - the same class
        return self

    def find(self, type_name: str, field: str) -> Resolver | None:
        """Return the resolver of a field, or None when the engine has none."""
        return self._fields.get((type_name, field))

    def is_record(self, type_name: str, field: str) -> bool:
        """Tell whether the field is a plain attribute, not worth a thread of its own."""
        return (type_name, field) in self._records

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Yield (type, field) of all that have a resolver."""
        return iter(self._fields)

    def unknown_to(self, fields: Iterable[tuple[str, str]]) -> list[str]:
        """Return `Type.field` of the resolvers whose field is not among those given."""
        known = set(fields)
        return sorted(
            f"{owner}.{name}" for owner, name in self._fields if (owner, name) not in known
        )

    def _add(self, key: tuple[str, str], resolver: Resolver) -> None:
        if key in self._fields:
            raise ValueError(f"{key[0]}.{key[1]} has two resolvers")
        self._fields[key] = resolver


def _attribute(name: str) -> Resolver:
    def read(parent: Any, _args: Arguments, _session: Any) -> object:
        return getattr(parent, name)

    return read


def _snake(name: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name)
