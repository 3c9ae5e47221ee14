"""The shell that a generated file has its CI run, found by that CI's own grammar."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import dekobon_tree_sitter_groovy
import yaml
from tree_sitter import Language, Parser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

# What CircleCI and GitLab put in before a shell sees it.
_PARAMETER = re.compile(r"<< parameters\.\w+ >>|\$\[\[ inputs\.[\w-]+ \]\]")
_KEYS = {"run", "script", "before_script", "after-script", "command", "commands", "bash"}


def scripts(path: str, text: str) -> Iterator[str]:
    """Yield every script of a file; those of one step one after the other."""
    if path.endswith(".groovy") or path == "Jenkinsfile":
        yield from groovy_scripts(text)
    elif path.endswith((".yml", ".yaml")):
        for document in yaml.safe_load_all(text):
            yield from _scripts(document)


def _scripts(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for one in node:
            yield from _scripts(one)
    elif isinstance(node, dict):
        for key, value in node.items():
            found = value if isinstance(value, list) else [value]
            if key in _KEYS and all(isinstance(one, str) for one in found):
                yield from (_PARAMETER.sub("parameter", one) for one in found)
            else:
                yield from _scripts(value)


def parse_groovy(text: str) -> Node:
    """Return the syntax tree of a script.

    Raises:
        SyntaxError: When it is none; with the line.
    """
    root = Parser(_grammar()).parse(text.encode()).root_node
    wrong = next((node for node in _nodes(root) if node.type == "ERROR" or node.is_missing), None)
    if wrong is not None:
        raise SyntaxError(f"line {wrong.start_point.row + 1}: {wrong.type}: {wrong.text!r}")
    return root


def _grammar() -> Language:
    # What it gives is a capsule, whatever its types say.
    return Language(dekobon_tree_sitter_groovy.language())  # type: ignore[deprecated]  # the grammar has no other way yet


def groovy_scripts(text: str) -> Iterator[str]:
    """Yield what stands between three single quotes, as Groovy reads it."""
    for node in _nodes(parse_groovy(text)):
        said = (node.text or b"").decode()
        if not node.children and said.startswith("'''"):
            yield said[3:-3].replace("\\\\", "\\")


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _nodes(child)
