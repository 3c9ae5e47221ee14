"""What several files say of the same thing, by the merge rules of the Compose Specification.

Mappings are merged key by key, lists are put one behind the other, a single value is replaced.
Commands are replaced whole; what has a key of its own (a variable, a label, a host) is replaced by
that key; `!reset` takes away and `!override` replaces without merging.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from keelway.compose.scalars import show
from keelway.compose.tree import Map, Node, Scalar, Seq, is_null, same, text_at
from keelway.compose.unique import without_repetition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.compose.problems import Problems
    from keelway.compose.tree import KeyPath

_Merger = Callable[[Node, Node, "KeyPath", "Problems"], Node]


def merge(under: Node, over: Node, path: KeyPath, problems: Problems) -> Node:
    """Return what the two say together; where they differ, `over` is right.

    Args:
        under: What earlier files say.
        over: What a later file says.
        path: Where both stand.
        problems: Takes what cannot be merged.
    """
    if over.directive == "override":
        return without_directives(over) or over
    if is_null(over):
        return under
    merger = _rule(path)
    return (
        _by_kind(under, over, path, problems)
        if merger is None
        else merger(under, over, path, problems)
    )


def without_directives(node: Node) -> Node | None:
    """Return the node with every `!reset` gone and `!override` done; nothing where it is gone."""
    if node.directive == "reset":
        return None
    match node:
        case Scalar():
            return replace(node, directive=None) if node.directive else node
        case Seq():
            items = tuple(one for one in map(without_directives, node.items) if one is not None)
            return replace(node, items=items, directive=None)
        case Map():
            kept = {key: without_directives(value) for key, value in node.entries.items()}
            entries = {key: value for key, value in kept.items() if value is not None}
            return replace(node, entries=entries, directive=None)


def _by_kind(under: Node, over: Node, path: KeyPath, problems: Problems) -> Node:
    match under, over:
        case Map(), Map():
            return _maps(under, over, path, problems)
        case Seq(), Seq():
            return _lists(under, over)
        case ((Map() | Seq()), _):
            kind = "a mapping" if isinstance(under, Map) else "a list"
            text = f"cannot be merged: in {under.place} it is {kind}"
            problems.add(over, path, text)
            return under
        case _:
            return over


def _maps(under: Map, over: Map, path: KeyPath, problems: Problems) -> Map:
    """Merge key by key; the keys keep their order, new ones follow."""
    entries = dict(under.entries)
    for key, value in over.entries.items():
        if value.directive == "reset":
            entries.pop(key, None)
        elif key in entries:
            entries[key] = merge(entries[key], value, (*path, key), problems)
        else:
            settled = without_directives(value)
            entries[key] = value if settled is None else settled
    return replace(under, entries=entries)


def _lists(under: Seq, over: Seq) -> Seq:
    items = list(under.items)
    for item in over.items:
        settled = without_directives(item)
        if settled is not None and not any(same(settled, known) for known in items):
            items.append(settled)
    return replace(over, items=tuple(items))


def _replaced(under: Node, over: Node, path: KeyPath, problems: Problems) -> Node:
    del under, path, problems
    return over


def _pairs(under: Node, over: Node, path: KeyPath, problems: Problems) -> Node:
    """Merge `NAME=value` lists and mappings by name; a name alone is a value as any other."""
    del path, problems
    mine, theirs = _as_pairs(under), _as_pairs(over)
    taken = {name for name, value in theirs.entries.items() if value.directive == "reset"}
    added = {
        name: without_directives(value) or value
        for name, value in theirs.entries.items()
        if name not in taken
    }
    kept = {name: value for name, value in mine.entries.items() if name not in taken}
    return replace(theirs, entries={**kept, **added})


def _as_pairs(node: Node) -> Map:
    """Return a list of `NAME=value` as a mapping; a name alone has the value null."""
    if isinstance(node, Map):
        return node
    entries: dict[str, Node] = {}
    for item in node.items if isinstance(node, Seq) else ():
        text = show(item.value) if isinstance(item, Scalar) else ""
        name, equals, value = text.partition("=")
        entries[name] = text_at(item, value if equals else None)
    return Map(entries=entries, place=node.place, origin=node.origin)


def _sequences(under: Node, over: Node, path: KeyPath, problems: Problems) -> Node:
    """Put two lists behind each other, each of which may be a single value or a mapping."""
    del path, problems
    return _lists(_as_list(under), _as_list(over))


def _as_list(node: Node) -> Seq:
    if isinstance(node, Seq):
        return node
    items: list[Node] = []
    if isinstance(node, Scalar):
        items = [] if node.value is None else [node]
    else:
        for key, value in node.entries.items():
            several = value.items if isinstance(value, Seq) else (value,)
            for one in several:
                said = show(one.value) if isinstance(one, Scalar) else ""
                items.append(text_at(one, f"{key}={said}"))
    return Seq(items=tuple(items), place=node.place, origin=node.origin)


def _names(under: Node, over: Node, path: KeyPath, problems: Problems) -> Node:
    """Merge lists of names and mappings by name."""
    return _maps(_as_names(under), _as_names(over), path, problems)


def _as_names(node: Node) -> Map:
    if isinstance(node, Map):
        return node
    entries: dict[str, Node] = {}
    for item in node.items if isinstance(node, Seq) else ():
        if isinstance(item, Scalar):
            entries[show(item.value)] = text_at(item, None)
    return Map(entries=entries, place=node.place, origin=node.origin)


def _builds(under: Node, over: Node, path: KeyPath, problems: Problems) -> Node:
    return _by_kind(_as_build(under), _as_build(over), path, problems)


def _as_build(node: Node) -> Node:
    if isinstance(node, Scalar) and node.value is not None:
        return Map(entries={"context": node}, place=node.place, origin=node.origin)
    return node


def _loggings(under: Node, over: Node, path: KeyPath, problems: Problems) -> Node:
    """Merge the options of the same driver; another driver has its own."""
    if isinstance(under, Map) and isinstance(over, Map):
        mine, theirs = under.entries.get("driver"), over.entries.get("driver")
        if mine is not None and theirs is not None and not same(mine, theirs):
            return over
    return _by_kind(under, over, path, problems)


def _limits(under: Node, over: Node, path: KeyPath, problems: Problems) -> Node:
    """Merge soft and hard limits; a single number is both of them."""
    if isinstance(under, Map) and isinstance(over, Map):
        return _maps(under, over, path, problems)
    return over


_SERVICE: Mapping[str, _Merger] = {
    "annotations": _pairs,
    "build": _builds,
    "build.args": _pairs,
    "build.additional_contexts": _pairs,
    "build.extra_hosts": _sequences,
    "build.labels": _pairs,
    "command": _replaced,
    "depends_on": _names,
    "deploy.labels": _pairs,
    "dns": _sequences,
    "dns_opt": _sequences,
    "dns_search": _sequences,
    "entrypoint": _replaced,
    "env_file": _sequences,
    "label_file": _sequences,
    "environment": _pairs,
    "extra_hosts": _sequences,
    "healthcheck.test": _replaced,
    "labels": _pairs,
    "logging": _loggings,
    "models": _names,
    "networks": _names,
    "sysctls": _pairs,
    "tmpfs": _sequences,
    "ulimits.*": _limits,
}
"""By the key below a service; what is not here is merged by its kind."""


def _rule(path: KeyPath) -> _Merger | None:
    match path:
        case ("services" | "jobs", _, "ulimits", _):
            return _limits
        case ("services" | "jobs", _, *rest):
            return _SERVICE.get(".".join(map(str, rest)))
        case ("networks" | "volumes" | "secrets" | "configs", _, "labels"):
            return _pairs
        case _:
            return None


def merged_files(documents: list[Node], problems: Problems) -> Node | None:
    """Return what the documents say together, the later ones over the earlier ones.

    Args:
        documents: Each the whole content of one document.
        problems: Takes what cannot be merged.
    """
    result: Node | None = None
    for document in documents:
        if result is None:
            result = without_directives(document)
        else:
            result = merge(result, document, (), problems)
    return None if result is None else without_repetition(result)
