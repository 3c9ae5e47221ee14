"""The API as the executor asks for it: fields, arguments and types by name.

    api.field("Container", "withExec").arguments["args"].type

Made from reflected data on demand, so that a program which uses ten fields pays for ten.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from keelway.engine.schema.reflect import ApiData, ArgumentData, TypeData


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeRef:
    """A type as it is used: a named one, or a list of `item`."""

    name: str
    non_null: bool
    item: TypeRef | None = None

    def __str__(self) -> str:
        return (f"[{self.item}]" if self.item else self.name) + ("!" if self.non_null else "")


@lru_cache(maxsize=4096)
def type_ref(text: str) -> TypeRef:
    """Return the type that a text such as `[String!]!` means."""
    non_null = text.endswith("!")
    bare = text.removesuffix("!")
    if bare.startswith("["):
        item = type_ref(bare[1:-1])
        return TypeRef(name=item.name, non_null=non_null, item=item)
    return TypeRef(name=bare, non_null=non_null)


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """An argument of a field, or a field of an input object."""

    name: str
    type: TypeRef
    has_default: bool
    default: Any
    expected: str | None
    deprecated: str | None

    @property
    def required(self) -> bool:
        """Tell whether the argument must be given."""
        return self.type.non_null and not self.has_default


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of an object type or interface."""

    owner: str
    name: str
    type: TypeRef
    arguments: Mapping[str, Argument]
    expected: str | None
    deprecated: str | None
    has_selections: bool

    def __str__(self) -> str:
        return f"{self.owner}.{self.name}"


class Api:
    """All types of an API."""

    def __init__(self, data: ApiData) -> None:
        """Give a shape to reflected data, which must not change any more."""
        self.data = data
        self._fields: dict[tuple[str, str], Field | None] = {}
        self._inputs: dict[str, Mapping[str, Argument]] = {}

    @property
    def version(self) -> str:
        """The version of Dagger whose API this is."""
        return self.data["version"]

    def type(self, name: str) -> TypeData | None:
        """Return the data of an object type or interface."""
        return self.data["objects"].get(name) or self.data["interfaces"].get(name)

    def is_interface(self, name: str) -> bool:
        """Tell whether values of this type have a type of their own."""
        return name in self.data["interfaces"]

    def is_a(self, name: str, condition: str) -> bool:
        """Tell whether a value of type `name` fits the condition of a fragment."""
        data = self.type(name)
        return name == condition or (data is not None and condition in data["interfaces"])

    def field(self, owner: str, name: str) -> Field | None:
        """Return a field, or None when the type has none of this name."""
        key = (owner, name)
        try:
            return self._fields[key]
        except KeyError:
            return self._fields.setdefault(key, self._make_field(owner, name))

    def fields(self) -> Iterator[tuple[str, str]]:
        """Yield (type, field) of every object type."""
        for owner, data in self.data["objects"].items():
            for name in data["fields"]:
                yield owner, name

    def input(self, name: str) -> Mapping[str, Argument] | None:
        """Return the fields of an input object."""
        if name not in self.data["inputs"]:
            return None
        if name not in self._inputs:
            arguments = [_argument(data) for data in self.data["inputs"][name]]
            self._inputs[name] = {argument.name: argument for argument in arguments}
        return self._inputs[name]

    def enum(self, name: str) -> Mapping[str, str] | None:
        """Return the names of an enum's members with the value that each stands for."""
        return self.data["enums"].get(name)

    @cached_property
    def ids(self) -> frozenset[str]:
        """The scalars that carry IDs: `ID` and the one of each type that older clients know."""
        return frozenset(
            {"ID"} | {name for name in self.data["scalars"] if self.type(name.removesuffix("ID"))}
        )

    def _make_field(self, owner: str, name: str) -> Field | None:
        data = self.type(owner)
        if data is None or name not in data["fields"]:
            return None
        _, kind, arguments, expected, deprecated = data["fields"][name]
        ref = type_ref(kind)
        made = [_argument(argument) for argument in arguments]
        return Field(
            owner=owner,
            name=name,
            type=ref,
            arguments={argument.name: argument for argument in made},
            expected=expected,
            deprecated=deprecated,
            has_selections=self.type(ref.name) is not None,
        )


def _argument(data: ArgumentData) -> Argument:
    name, kind, has_default, default, expected, deprecated = data
    return Argument(
        name=name,
        type=type_ref(kind),
        has_default=has_default,
        default=default,
        expected=expected,
        deprecated=deprecated,
    )
