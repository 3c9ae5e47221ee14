"""The quick parser: right where it answers, and silent where it is not sure."""

from __future__ import annotations

import json
import time

import pytest
from graphql import parse as parse_fully
from graphql import print_ast
from graphql.language import ast
from graphql.utilities import value_from_ast_untyped

from keelway.engine.server.parse import parse
from keelway.engine.server.syntax import FieldNode, FragmentNode, Node


def plain(nodes: list[Node] | None) -> object:
    """Return selections as nested tuples."""
    return nodes and [
        (node.condition, plain(node.selections))
        if isinstance(node, FragmentNode)
        else (node.key, node.name, node.arguments, plain(node.selections))
        for node in nodes
    ]


def by_graphql_core(text: str) -> object:
    """Return the same from graphql-core's parser."""

    def selections(node: ast.SelectionSetNode | None) -> object:
        return node and [
            (
                child.type_condition and child.type_condition.name.value,
                selections(child.selection_set),
            )
            if isinstance(child, ast.InlineFragmentNode)
            else field(child)
            for child in node.selections
        ]

    def field(node: ast.SelectionNode) -> object:
        assert isinstance(node, ast.FieldNode)
        key = (node.alias or node.name).value
        values = {
            argument.name.value: value_from_ast_untyped(argument.value)
            for argument in node.arguments or ()
        }
        return key, node.name.value, values, selections(node.selection_set)

    (operation,) = parse_fully(text).definitions
    assert isinstance(operation, ast.OperationDefinitionNode)
    return selections(operation.selection_set)


@pytest.mark.parametrize(
    "text",
    [
        "{ version }",
        "query { version }",
        "{a{b,c\n,d:e}f}",
        '{ a(x: "", y: "\\" \\\\ \\/ \\b\\f\\n\\r\\t \\u00e9 \\ud83d\\ude00 \U0001f600\t") { b } }',
        "{ a(i: -12, f: 1.5e-3, z: 0, t: true, n: null, e: SHARED) }",
        '{ a(l: [1, [], ["x" "y"]], o: {k: {}, m: [TRUE]}) }',
        '{ node(id: "x") { ... on Container { id } ... { id } } }',
        "\ufeff{a}",
    ],
)
def test_it_reads_what_graphql_core_reads(text: str) -> None:
    assert plain(parse(text)) == by_graphql_core(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "{ a {} }",
        "{ a() }",
        "{ a(x: 1, x: 2) }",
        "{ a } { b }",
        "{ a",
        "{ a }}",
        "{ a(x: 01) }",
        "{ a(x: 1x) }",
        "{ a(x: 1.) }",
        '{ a(x: "new\nline") }',
        '{ a(x: "\\x") }',
        '{ a(x: "\\ud83d") }',
        '{ a(x: "\\u{1F600}") }',
        '{ a(x: """block""") }',
        "{ a(x: $v) }",
        "{ a @skip(if: true) }",
        "{ ...F }",
        "{ ... }",
        "query Named { a }",
        "mutation { a }",
        "subscription { a }",
        "# comment\n{ a }",
        "{ a(x: " + "[" * 60 + "]" * 60 + ") }",
    ],
)
def test_it_leaves_the_rest_to_graphql_core(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    "value", ["plain", 'quo"te', "line\nline\r\t\\", "\x00\x1f\x7f", "ünï \U0001f600"]
)
def test_strings_as_the_sdk_prints_them(value: str) -> None:
    node = ast.StringValueNode(value=value)
    (field,) = parse("{ a(x: " + print_ast(node) + ") }") or []
    assert isinstance(field, FieldNode)
    assert field.arguments["x"] == value


def test_depth_and_length_are_no_limits() -> None:
    text = "{ a " + "{ a " * 5000 + "}" * 5001
    depth = 0
    nodes = parse(text)
    while nodes:
        depth += 1
        nodes = nodes[0].selections
    assert depth == 5001
    big = "x" * 8_000_000
    begin = time.monotonic()
    (field,) = parse("{ a(x: " + json.dumps(big) + ") }") or []
    assert isinstance(field, FieldNode)
    assert field.arguments["x"] == big
    assert time.monotonic() - begin < 2
