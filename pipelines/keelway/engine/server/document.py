"""The whole of GraphQL's query language, read by graphql-core: what the quick parser leaves.

graphql-core takes a tenth of a second to import, so only this module and `introspect` import it,
and they are imported when a query needs them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError, parse, print_ast, specified_rules, validate

# It says of one argument only that it is a `type`.
from graphql.execution import execute_sync  # pyright: ignore[reportUnknownVariableType]
from graphql.language import ast, parser
from graphql.validation import ScalarLeafsRule, ValuesOfCorrectTypeRule

from keelway.engine.errors import EngineError
from keelway.engine.schema.api import type_ref
from keelway.engine.schema.coerce import EnumName, Refused, coerce
from keelway.engine.server.syntax import FieldNode, FragmentNode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from graphql import GraphQLSchema

    from keelway.engine.schema.api import Api
    from keelway.engine.server.syntax import Node

# graphql-core refuses more than 200 nested selections, and chains of calls are longer than that.
HIGHEST_DEPTH = 5000
parser.MAX_NESTING_DEPTH = HIGHEST_DEPTH

# Values are checked where they are bound to arguments, which allows integers of 64 bits; and so is
# whether a field must have a selection.
_BOUND_LATER = (ValuesOfCorrectTypeRule, ScalarLeafsRule)
RULES = tuple(rule for rule in specified_rules if rule not in _BOUND_LATER)


class InvalidDocument(EngineError):  # noqa: N818 - reads as the answer it is
    """A text that is no query, or none for this API; holds the errors as the client gets them."""

    def __init__(self, errors: Sequence[GraphQLError]) -> None:
        """Keep what graphql-core says, with its places in the text."""
        super().__init__(errors[0].message)
        self.errors = [dict(error.formatted) for error in errors]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """The operation that is asked for: its selections, and what graphql-core needs to run it."""

    nodes: list[Node]
    document: ast.DocumentNode
    definition: ast.OperationDefinitionNode
    variables: Mapping[str, Any]

    def introspect(
        self, schema: GraphQLSchema, fields: Sequence[ast.FieldNode]
    ) -> Mapping[str, Any]:
        """Return the data of those of its fields that ask about the schema itself."""
        definition = ast.OperationDefinitionNode(
            operation=ast.OperationType.QUERY,
            variable_definitions=self.definition.variable_definitions,
            selection_set=ast.SelectionSetNode(selections=tuple(fields)),
        )
        others = [
            node
            for node in self.document.definitions
            if isinstance(node, ast.FragmentDefinitionNode)
        ]
        document = ast.DocumentNode(definitions=(definition, *others))
        result = execute_sync(schema, document, variable_values=dict(self.variables))
        if result.errors:
            raise InvalidDocument(result.errors)
        return result.data or {}


def read(
    text: str,
    schema: GraphQLSchema,
    api: Api,
    variables: Mapping[str, Any],
    operation_name: str | None,
) -> Operation:
    """Return the operation that is asked for.

    Raises:
        InvalidDocument: the text does not parse or does not fit the schema.
        EngineError: there is no such operation, or a variable does not fit.
    """
    try:
        document = parse(text)
    except GraphQLError as error:
        raise InvalidDocument([error]) from None
    if errors := validate(schema, document, RULES):
        raise InvalidDocument(errors)
    definition = choose_operation(document, operation_name)
    values = _variables(definition, api, variables)
    nodes = _Reader(document, values).nodes(definition.selection_set)
    return Operation(nodes=nodes, document=document, definition=definition, variables=variables)


def choose_operation(document: ast.DocumentNode, name: str | None) -> ast.OperationDefinitionNode:
    """Return the operation of this name, or the only one.

    Raises:
        EngineError: there is none, or it is no query.
    """
    operations = [
        node
        for node in document.definitions
        if isinstance(node, ast.OperationDefinitionNode)
        and (name is None or (node.name is not None and node.name.value == name))
    ]
    if len(operations) != 1:
        raise EngineError(
            f'Unknown operation named "{name}"'
            if name is not None
            else "operationName must say which operation of the document is meant"
        )
    if operations[0].operation is not ast.OperationType.QUERY:
        raise EngineError(f"the API has no {operations[0].operation.value}s, only queries")
    return operations[0]


def _variables(
    operation: ast.OperationDefinitionNode, api: Api, given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the variables that have a value, given or default."""
    values: dict[str, Any] = {}
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        ref = type_ref(print_ast(definition.type).replace(" ", ""))
        if name in given:
            try:
                coerce(api, ref, given[name])  # the argument it goes to takes it once more
            except Refused as error:
                raise EngineError(f'Variable "${name}": {error}') from None
            values[name] = given[name]
        elif definition.default_value is not None:
            values[name] = _literal(definition.default_value, {})
        elif ref.non_null:
            raise EngineError(f'Variable "${name}" of required type "{ref}" was not provided')
    return values


class _Reader:
    def __init__(self, document: ast.DocumentNode, variables: Mapping[str, Any]) -> None:
        self._variables = variables
        self._fragments = {
            node.name.value: node
            for node in document.definitions
            if isinstance(node, ast.FragmentDefinitionNode)
        }

    def nodes(self, selections: ast.SelectionSetNode) -> list[Node]:
        """Return what is selected, with spreads replaced and skipped nodes left out."""
        return [self._node(node) for node in selections.selections if self._is_wanted(node)]

    def _node(self, node: ast.SelectionNode) -> Node:
        if isinstance(node, ast.FieldNode):
            return FieldNode(
                name=node.name.value,
                key=node.alias.value if node.alias else node.name.value,
                arguments=self._arguments(node.arguments),
                selections=self.nodes(node.selection_set) if node.selection_set else None,
                source=node,
            )
        if isinstance(node, ast.FragmentSpreadNode):
            fragment = self._fragments[node.name.value]
            condition: str | None = fragment.type_condition.name.value
            return FragmentNode(condition=condition, selections=self.nodes(fragment.selection_set))
        if isinstance(node, ast.InlineFragmentNode):
            condition = node.type_condition.name.value if node.type_condition else None
            return FragmentNode(condition=condition, selections=self.nodes(node.selection_set))
        raise EngineError(f"a selection of kind {node.kind} is not known")

    def _arguments(self, arguments: Sequence[ast.ArgumentNode] | None) -> dict[str, Any]:
        return {
            argument.name.value: _literal(argument.value, self._variables)
            for argument in arguments or ()
            if not self._is_unset(argument.value)
        }

    def _is_unset(self, value: ast.ValueNode) -> bool:
        return isinstance(value, ast.VariableNode) and value.name.value not in self._variables

    def _is_wanted(self, node: ast.SelectionNode) -> bool:
        for directive in node.directives or ():
            condition = self._arguments(directive.arguments).get("if")
            if directive.name.value == "skip" and condition is True:
                return False
            if directive.name.value == "include" and condition is False:
                return False
        return True


def _literal(node: ast.ValueNode, variables: Mapping[str, Any]) -> Any:  # noqa: PLR0911 - a table
    """Return a value of the text as Python knows it."""
    match node:
        case ast.VariableNode():
            return variables.get(node.name.value)
        case ast.ListValueNode():
            return [_literal(item, variables) for item in node.values]
        case ast.ObjectValueNode():
            return {field.name.value: _literal(field.value, variables) for field in node.fields}
        case ast.IntValueNode():
            return int(node.value)
        case ast.FloatValueNode():
            return float(node.value)
        case ast.EnumValueNode():
            return EnumName(node.value)
        case ast.StringValueNode() | ast.BooleanValueNode():
            return node.value
        case _:
            return None
