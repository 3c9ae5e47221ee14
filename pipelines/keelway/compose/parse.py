"""A YAML text as the nodes of `keelway.compose.tree`: anchors, merge keys, tags, duplicates."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import yaml

from keelway.compose.problems import Problems
from keelway.compose.project import Place
from keelway.compose.scalars import read_plain, show
from keelway.compose.tree import Directive, Map, Node, Origin, Scalar, Seq

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keelway.compose.tree import KeyPath, PlainScalar

MOST_VALUES = 500_000
"""More than any compose file has once its anchors are written out, and little enough to hold."""

_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}(?:$|[Tt ]\d{1,2}:\d{1,2}:)")
_MERGE = "<<"
_PLAIN = "plain"
_TAGS = "tag:yaml.org,2002:"
_DIRECTIVES: dict[str, Directive] = {"!reset": "reset", "!override": "override"}


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # one of two
    """Gives a scalar's tag only where one is written, so that its meaning is ours to tell."""

    def resolve(self, kind: object, value: object, implicit: object) -> object:
        """Return the tag of what has none written."""
        del value
        if kind is yaml.ScalarNode:
            return _PLAIN if cast("tuple[bool, bool]", implicit)[0] else f"{_TAGS}str"
        return f"{_TAGS}seq" if kind is yaml.SequenceNode else f"{_TAGS}map"


def parse_yaml(text: str, origin: Origin, problems: Problems) -> list[Node]:
    """Return the documents of the text; an empty one is null.

    Args:
        text: One YAML document or several, divided by `---`.
        origin: The file that it is from.
        problems: Takes what is wrong, except when it is no YAML at all.

    Raises:
        ConfigError: When the text is no YAML.
    """
    try:
        documents = _documents(text.removeprefix("\ufeff"))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else mark.line + 1
        words = "; ".join(part for part in (error.context, error.problem) if part)
        raise _no_yaml(origin, line, words) from error
    except yaml.YAMLError as error:
        raise _no_yaml(origin, 1, str(error).splitlines()[0]) from error
    walk = _Walk(origin, problems)
    return [walk.node(document, ()) for document in documents if document is not None]


def _documents(text: str) -> list[Any]:
    loader: Any = _Loader(text)
    found: list[Any] = []
    try:
        while loader.check_node():
            found.append(loader.get_node())
    finally:
        loader.dispose()
    return found


def _no_yaml(origin: Origin, line: int, words: str) -> Exception:
    problems = Problems()
    problems.add(_At(Place(file=origin.shown, line=line)), (), f"is no YAML: {words}")
    try:
        problems.check()
    except Exception as error:  # noqa: BLE001 -- it is what check() raises
        return error
    raise AssertionError


@dataclass(frozen=True, slots=True)
class _At:
    """A place with nothing at it."""

    place: Place


@dataclass(slots=True)
class _Walk:
    """One pass over a file's documents."""

    origin: Origin
    problems: Problems
    open: set[int] = field(default_factory=set[int])
    sizes: dict[int, int] = field(default_factory=dict[int, int])
    """How many values there are inside, with all anchors written out."""
    done: dict[int, Node] = field(default_factory=dict[int, Node])
    """By the identity of YAML's nodes: an anchor is read once."""

    def node(self, source: Any, path: KeyPath, line: int | None = None) -> Node:
        """Return the node; it stands on the line of its key, where it has one."""
        key = id(source)
        place = self.place(source) if line is None else Place(file=self.origin.shown, line=line)
        if key in self.open:
            self.problems.add(_At(place), path, "an anchor must not contain itself")
            return self.scalar(None, place, source)
        if key not in self.done:
            self.open.add(key)
            self.done[key] = self.fresh(source, path)
            self.open.discard(key)
        return replace(self.done[key], place=place)

    def fresh(self, source: Any, path: KeyPath) -> Node:
        """Return a node that was not read before."""
        directive = _DIRECTIVES.get(str(source.tag))
        place = self.place(source)
        if directive == "reset":
            return replace(self.scalar(None, place, source), directive=directive)
        made: Node
        if isinstance(source, yaml.ScalarNode):
            made = self.scalar(self.value(source, path, directive), place, source)
        elif isinstance(source, yaml.SequenceNode):
            items = tuple(self.node(v, (*path, i)) for i, v in enumerate(source.value))
            made = Seq(items=items, place=place, origin=self.origin)
        else:
            made = Map(entries=self.entries(source, path), place=place, origin=self.origin)
        self.measure(source, path)
        return made if directive is None else replace(made, directive=directive)

    def scalar(self, value: PlainScalar, place: Place, source: Any) -> Scalar:
        """Return a scalar."""
        self.sizes[id(source)] = 1
        return Scalar(value=value, place=place, origin=self.origin)

    def value(self, source: Any, path: KeyPath, directive: Directive | None) -> PlainScalar:
        """Return what a scalar means, by its tag or its form."""
        tag, text = str(source.tag), str(source.value)
        # Behind `!override` too, what stands without quotes means what it looks like.
        if tag == _PLAIN or (directive is not None and source.style is None):
            if _DATE.match(text):
                told = f"'{text}' is read as a text, and by Docker Compose as a date: quote it"
                self.problems.notice(_At(self.place(source)), path, told)
            return read_plain(text)
        name = tag.removeprefix(_TAGS)
        if directive is not None or name in {"str", "binary", "timestamp", "!"}:
            return text
        value = read_plain(text)
        fits = {"int": int, "float": int | float, "bool": bool, "null": type(None)}.get(name)
        if fits is None:
            self.problems.add(_At(self.place(source)), path, f"the tag {tag} means nothing here")
        elif not isinstance(value, fits):
            self.problems.add(_At(self.place(source)), path, f"'{text}' is no {name}")
        return value

    def measure(self, source: Any, path: KeyPath) -> None:
        """Keep how much there is inside, and refuse what anchors blow up beyond all use."""
        inside: list[Any] = []
        if isinstance(source, yaml.SequenceNode):
            inside = list(source.value)
        elif isinstance(source, yaml.MappingNode):
            inside = [value for _, value in source.value]
        size = 1 + sum(self.sizes.get(id(one), 1) for one in inside)
        self.sizes[id(source)] = size
        if size > MOST_VALUES:
            self.problems.add(_At(self.place(source)), path, "its anchors repeat too much")
            self.problems.check()

    def entries(self, source: Any, path: KeyPath) -> dict[str, Node]:
        """Return a mapping's entries; its own keys go before those that it merges in."""
        own: dict[str, Node] = {}
        merged: list[Map] = []
        lines: dict[str, int] = {}
        for key_node, value_node in source.value:
            key = self.key(key_node, path)
            line = int(key_node.start_mark.line) + 1
            if key in lines:
                text = f"is written twice: in line {lines[key]} too"
                self.problems.add(_At(self.place(key_node)), (*path, key), text)
            lines.setdefault(key, line)
            # A key in quotes is a key like any other.
            if key == _MERGE and str(key_node.tag) == _PLAIN:
                merged.extend(self.merged(value_node, path))
            else:
                own[key] = self.node(value_node, (*path, key), line)
        for one in merged:
            for key, value in one.entries.items():
                own.setdefault(key, value)
        return own

    def merged(self, source: Any, path: KeyPath) -> Iterator[Map]:
        """Yield the mappings that `<<` names, the strongest first."""
        found = self.node(source, path)
        for one in found.items if isinstance(found, Seq) else (found,):
            if isinstance(one, Map):
                yield one
            elif one.directive != "reset":
                self.problems.add(one, (*path, _MERGE), "only mappings can be merged in")

    def key(self, source: Any, path: KeyPath) -> str:
        """Return a mapping's key, which has to be a text."""
        if not isinstance(source, yaml.ScalarNode):
            self.problems.add(_At(self.place(source)), path, "a key must be a text")
            return ""
        value = read_plain(source.value) if source.tag == _PLAIN else str(source.value)
        if not isinstance(value, str):
            text = f"the key {source.value} must be a text: write it in quotes"
            self.problems.add(_At(self.place(source)), path, text)
        return value if isinstance(value, str) else show(value)

    def place(self, source: Any) -> Place:
        """Return where the node begins."""
        return Place(file=self.origin.shown, line=int(source.start_mark.line) + 1)
