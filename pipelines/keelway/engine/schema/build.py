"""The API as graphql-core's schema, for validation and introspection.

The schema has no resolvers: queries are executed by `keelway.engine.server.execute`. Descriptions
are left out; the SDK that a client has installed documents the same fields.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphql import (
    GraphQLArgument,
    GraphQLDirective,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    specified_directives,
    specified_scalar_types,
)
from graphql.language import DirectiveLocation
from graphql.pyutils import Undefined

from keelway.engine.schema.api import type_ref

if TYPE_CHECKING:
    from graphql import GraphQLNamedType

    from keelway.engine.schema.api import TypeRef
    from keelway.engine.schema.reflect import ApiData, ArgumentData, FieldData, TypeData


def build(data: ApiData) -> GraphQLSchema:
    """Return the schema of reflected data."""
    return _Builder(data).schema()


class _Builder:
    def __init__(self, data: ApiData) -> None:
        self._data = data
        self._types: dict[str, GraphQLNamedType] = {**specified_scalar_types}

    def schema(self) -> GraphQLSchema:
        """Make all types and the schema over them."""
        for name in set(self._data["scalars"]) - set(self._types):
            self._types[name] = GraphQLScalarType(name)
        for name, members in self._data["enums"].items():
            values = {member: GraphQLEnumValue(member) for member in members}
            self._types[name] = GraphQLEnumType(name, values)
        for name, fields in self._data["inputs"].items():
            self._types[name] = GraphQLInputObjectType(name, self._inputs(fields))
        for name, data in self._data["interfaces"].items():
            self._types[name] = GraphQLInterfaceType(
                name, self._fields(data), interfaces=self._interfaces(data)
            )
        for name, data in self._data["objects"].items():
            self._types[name] = GraphQLObjectType(
                name, self._fields(data), interfaces=self._interfaces(data)
            )
        query = self._types["Query"]
        if not isinstance(query, GraphQLObjectType):
            raise TypeError("Query is no object type")
        return GraphQLSchema(
            query=query,
            types=list(self._types.values()),
            directives=[*specified_directives, self._expected_type()],
        )

    def _expected_type(self) -> GraphQLDirective:
        """Return the directive by which Dagger says whose ID an `ID` is."""
        name = GraphQLArgument(GraphQLNonNull(specified_scalar_types["String"]))
        places = [DirectiveLocation.FIELD_DEFINITION, DirectiveLocation.ARGUMENT_DEFINITION]
        return GraphQLDirective("expectedType", places, {"name": name})

    # Types refer to each other in circles, so that fields are made when they are asked for.
    def _fields(self, data: TypeData) -> Any:
        return lambda: {name: self._field(field) for name, field in data["fields"].items()}

    def _interfaces(self, data: TypeData) -> Any:
        return lambda: [self._types[name] for name in data["interfaces"]]

    def _inputs(self, fields: list[ArgumentData]) -> Any:
        return lambda: {
            name: GraphQLInputField(
                self._ref(type_ref(kind)),
                default if has_default else Undefined,
                deprecation_reason=reason,
            )
            for name, kind, has_default, default, _, reason in fields
        }

    def _field(self, field: FieldData) -> GraphQLField:
        _, kind, arguments, _, reason = field
        return GraphQLField(
            self._ref(type_ref(kind)),
            {argument[0]: self._argument(argument) for argument in arguments},
            deprecation_reason=reason,
        )

    def _argument(self, argument: ArgumentData) -> GraphQLArgument:
        _, kind, has_default, default, _, reason = argument
        return GraphQLArgument(
            self._ref(type_ref(kind)),
            default if has_default else Undefined,
            deprecation_reason=reason,
        )

    def _ref(self, ref: TypeRef) -> Any:
        inner: Any = GraphQLList(self._ref(ref.item)) if ref.item else self._types[ref.name]
        return GraphQLNonNull(inner) if ref.non_null else inner
