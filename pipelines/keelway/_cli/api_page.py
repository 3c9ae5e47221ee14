"""The page about the library's public names, made from their docstrings and signatures."""

from __future__ import annotations

import ast
import functools
import inspect
import re
import sys
from dataclasses import dataclass
from enum import Enum
from textwrap import dedent
from typing import TYPE_CHECKING, cast

import keelway

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_INTRO = """\
# Python API

Exactly the names of `keelway.__all__`, from their docstrings; `import keelway as kw` has them all,
and loads each when it is first used. The package is typed (`py.typed`).

**What is stable.** Versions follow [Semantic Versioning](https://semver.org). Public are the names
on this page with their parameters, fields and methods; the [configuration](config.md); the
[command line](cli.md) with its [exit codes](exit-codes.md); and the
[schema of `report.json`](report.schema.json). A patch release changes none of them. A minor release
only adds: new parameters and fields have defaults, and results may get new fields. A major release
may change anything, and its changelog says how to move. Before 1.0 a minor release may do what a
major one may. Everything else (modules, names that begin with `_`, the texts of messages, the
engine's insides) may change at any time: import from `keelway`, not from its modules.

A stage is called as `await stage(run, spec, *inputs)`; given `Skipped` in place of its spec it does
nothing, says so, and returns that. What stages hand on are frozen values. Paths are of this
machine, times are aware and in UTC, sizes are bytes."""

_GROUPS = ("Stages", "Functions", "Values", "Interfaces", "Choices", "Types", "Errors")
_SECTIONS = re.compile(r"^(Args|Raises|Returns|Yields|Example):$", re.MULTILINE)
# `ast` writes `name: type=default`; people write spaces around it.
_DEFAULT = re.compile(r"^(\w+: [^=]+)=")
_WIDTH = 96


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """One public name."""

    name: str
    group: str
    lines: tuple[str, ...]


def api_page() -> str:
    """Return the page, in Markdown."""
    entries = [_entry(name) for name in keelway.__all__]
    lines = [_INTRO]
    for group in _GROUPS:
        names = [entry.name for entry in entries if entry.group == group]
        links = ", ".join(f"[`{name}`](#{name.lower()})" for name in names)
        lines.append(f"\n**{group}**: {links}" if names else "")
    for group in _GROUPS:
        lines += ["", f"## {group}"]
        for entry in entries:
            if entry.group == group:
                lines += ["", f"### `{entry.name}`", "", *entry.lines]
    return "\n".join(lines) + "\n"


def docstring_of(name: str) -> str:
    """Return the docstring of a public name; empty when it has none."""
    value = inspect.unwrap(getattr(keelway, name))
    if inspect.isclass(value):
        # Its own: a dataclass without one has its signature there, a child its parent's.
        return ast.get_docstring(_node(value)) or ""
    return (inspect.getdoc(value) or "") if inspect.isroutine(value) else _alias(name)[1]


def parameters_of(name: str) -> tuple[str, ...]:
    """Return what a public function takes."""
    return tuple(inspect.signature(inspect.unwrap(getattr(keelway, name))).parameters)


def is_function(name: str) -> bool:
    """Return whether a public name is a function."""
    return inspect.isroutine(getattr(keelway, name))


def _entry(name: str) -> _Entry:
    value = getattr(keelway, name)
    if inspect.isroutine(value):
        is_stage = inspect.unwrap(value) is not value and value.__module__.startswith(
            "keelway.stages."
        )
        lines = (*_code(_signature(value)), "", *_prose(docstring_of(name)))
        return _Entry(name=name, group="Stages" if is_stage else "Functions", lines=lines)
    if inspect.isclass(value):
        return _Entry(name=name, group=_kind(value), lines=tuple(_class_lines(value)))
    text, doc = _alias(name)
    return _Entry(name=name, group="Types", lines=(*_code(text), "", *_prose(doc)))


def _kind(value: type) -> str:
    if issubclass(value, BaseException):
        return "Errors"
    if issubclass(value, Enum):
        return "Choices"
    is_protocol = bool(getattr(cast("object", value), "_is_protocol", False))
    return "Interfaces" if is_protocol else "Values"


def _class_lines(value: type) -> Iterator[str]:
    node = _node(value)
    docs = _documented(node)
    bases = [ast.unparse(base) for base in node.bases]
    fields = [one for one in node.body if isinstance(one, ast.AnnAssign | ast.Assign)]
    if issubclass(value, BaseException):  # their exit code is told above
        fields = [one for one in fields if isinstance(one, ast.AnnAssign)]
    if issubclass(value, BaseException):
        yield f"A `{bases[0]}`; exit code {getattr(value, 'exit_code', 1)}."
        yield ""
    elif not issubclass(value, Enum):
        inherited = f"({', '.join(bases)})" if bases else ""
        yield from (*_code(f"class {value.__name__}{inherited}"), "")
    yield from _prose(inspect.cleandoc(value.__doc__ or ""))
    rows = [row for field in fields if (row := _field_row(field, docs)) is not None]
    if rows:
        yield from ("", "| field | type | default | |", "| --- | --- | --- | --- |", *rows)
    yield from _method_lines(node)


def _field_row(field: ast.AnnAssign | ast.Assign, docs: dict[str, str]) -> str | None:
    target = field.target if isinstance(field, ast.AnnAssign) else field.targets[0]
    if not isinstance(target, ast.Name) or target.id.startswith(("_", "model_config")):
        return None
    kind = ast.unparse(field.annotation) if isinstance(field, ast.AnnAssign) else ""
    if kind.startswith("ClassVar"):
        return None
    default = "" if field.value is None else _default(field.value)
    cells = (f"`{target.id}`", f"`{kind}`" if kind else "", f"`{default}`" if default else "")
    doc = " ".join(docs.get(target.id, "").split())
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in (*cells, doc)) + " |"


def _default(value: ast.expr) -> str:
    if isinstance(value, ast.Call) and ast.unparse(value.func) in {"field", "Field"}:
        named = {one.arg: one.value for one in value.keywords}
        factory = ast.unparse(named["default_factory"]) if "default_factory" in named else "_"
        if factory.startswith("dict["):
            return "{}"
        return "" if factory.startswith("_") else f"{factory}()"
    return ast.unparse(value)


def _method_lines(node: ast.ClassDef) -> Iterator[str]:
    for one in node.body:
        if not isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) or one.name.startswith("_"):
            continue
        decorators = {ast.unparse(word) for word in one.decorator_list}
        doc = ast.get_docstring(one) or ""
        if "overload" in decorators:
            continue
        shown = f"{one.name}" if "property" in decorators else _header(one).removeprefix("def ")
        yield from ("", f"- `{shown}`: {' '.join(doc.split(chr(10) + chr(10))[0].split())}")


def _signature(value: object) -> str:
    function = inspect.unwrap(value)  # type: ignore[arg-type]  # only functions come here
    node = _defined(function.__module__, function.__name__)
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)  # noqa: S101 -- a function's
    line = _header(node)
    if len(line) <= _WIDTH:
        return line
    prefix, returns = _ends(node)
    arguments = _arguments(ast.unparse(node.args))
    return f"{prefix}(\n" + "".join(f"    {one},\n" for one in arguments) + f"){returns}"


def _arguments(text: str) -> list[str]:
    """Return the parameters, parted at the commas that are in no brackets."""
    found, depth = [""], 0
    for char in text:
        depth += {"[": 1, "(": 1, "]": -1, ")": -1}.get(char, 0)
        if char == "," and depth == 0:
            found.append("")
        else:
            found[-1] += char
    return [_DEFAULT.sub(r"\1 = ", one.strip(), count=1) for one in found if one.strip()]


def _header(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    prefix, returns = _ends(node)
    arguments = [one for one in _arguments(ast.unparse(node.args)) if one not in {"self", "cls"}]
    return f"{prefix}({', '.join(arguments)}){returns}"


def _ends(node: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[str, str]:
    """Return what stands before and behind the parameters."""
    prefix = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    returns = "" if node.returns is None else f" -> {ast.unparse(node.returns)}"
    return f"{prefix} {node.name}", returns


def _node(value: type) -> ast.ClassDef:
    node = _defined(value.__module__, value.__name__)
    assert isinstance(node, ast.ClassDef)  # noqa: S101 -- what defines a class
    return node


def _defined(module: str, name: str) -> ast.stmt:
    """Return what defines a name in a module; the last time, for overloads come before."""
    found = [one for one in _body(module) if getattr(one, "name", None) == name]
    return found[-1]


@functools.cache
def _body(module: str) -> Sequence[ast.stmt]:
    """Return a module's statements: parsed once, for many names are in one module."""
    return tuple(ast.parse(inspect.getsource(sys.modules[module])).body)


def _alias(name: str) -> tuple[str, str]:
    """Return a type that is no class as it is written, and the text below it."""
    # The package's own map: what it exports it loads by that.
    module = keelway._MODULE_OF[name]  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    body = _body(module)
    for statement, following in zip(body, [*body[1:], None], strict=True):
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == name:
            doc = ""
            if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
                doc = inspect.cleandoc(str(following.value.value))
            return _written(statement), doc
    msg = f"{name} is not defined where the package says"
    raise LookupError(msg)


def _written(statement: ast.Assign) -> str:
    """Return an assignment as the house formats it: a union of many on a line each."""
    text = ast.unparse(statement).replace("'", '"')
    if len(text) <= _WIDTH:
        return text
    name, _, value = text.partition(" = ")
    first, *others = value.split(" | ")
    return "\n".join((f"{name} = (", f"    {first}", *(f"    | {one}" for one in others), ")"))


def _documented(node: ast.ClassDef) -> dict[str, str]:
    """Return the text below each field."""
    found: dict[str, str] = {}
    for statement, following in zip(node.body, node.body[1:], strict=False):
        if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
            if isinstance(statement, ast.AnnAssign):
                found[ast.unparse(statement.target)] = str(following.value.value)
            elif isinstance(statement, ast.Assign):
                found[ast.unparse(statement.targets[0])] = str(following.value.value)
    return found


def _code(text: str) -> tuple[str, str, str]:
    return "```python", text, "```"


def _prose(doc: str) -> Iterator[str]:
    """Yield a docstring as Markdown: sections become lists."""
    pieces = _SECTIONS.split(doc)
    yield from pieces[0].strip().splitlines()
    for title, body in zip(pieces[1::2], pieces[2::2], strict=True):
        if title == "Example":
            yield from ("", "```python", *dedent(body).strip("\n").splitlines(), "```")
            continue
        yield from ("", f"{title}:", "")
        yield from _items(dedent(body.strip("\n")))


def _items(body: str) -> Iterator[str]:
    """Yield one bullet for each entry of a section; lines that are indented go on with it."""
    entries: list[str] = []
    for line in body.splitlines():
        if line.startswith(" ") and entries:
            entries[-1] += f" {line.strip()}"
        elif line.strip():
            entries.append(line.strip())
    for entry in entries:
        name, colon, text = entry.partition(": ")
        yield f"- `{name}`: {text}" if colon and " " not in name else f"- {entry}"
