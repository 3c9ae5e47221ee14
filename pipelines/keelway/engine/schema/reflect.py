"""The API of an SDK, read from its generated client without importing it.

    data = reflect(client.source.read_text(), client.version())
    data["objects"]["Container"]["fields"]

The client (`dagger/client/gen.py`) says nearly everything that the GraphQL schema does: each method
names its field, its arguments with their defaults, and its result. What it does not say is in
`corrections`. The result is plain data that `marshal` can keep; `api` gives it a shape.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any, TypedDict, cast

from keelway.engine.errors import EngineError
from keelway.engine.schema.corrections import correct

if TYPE_CHECKING:
    from collections.abc import Iterator

# name, type, has a default, default, expected type of an ID, reason of deprecation
ArgumentData = tuple[str, str, bool, Any, str | None, str | None]
# name, type, arguments, expected type of an ID, reason of deprecation
FieldData = tuple[str, str, tuple[ArgumentData, ...], str | None, str | None]


class TypeData(TypedDict):
    """An object type or an interface."""

    fields: dict[str, FieldData]
    interfaces: list[str]


class ApiData(TypedDict):
    """A whole API; an enum has its members' names, each with the value that it stands for."""

    version: str
    scalars: list[str]
    enums: dict[str, dict[str, str]]
    inputs: dict[str, list[ArgumentData]]
    interfaces: dict[str, TypeData]
    objects: dict[str, TypeData]


BUILT_IN = {"str": "String", "int": "Int", "bool": "Boolean", "float": "Float"}


def reflect(source: str, version: str = "v0.0.0") -> ApiData:
    """Return the API that the source of a generated client speaks of."""
    classes = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    data = _Reader(classes).read(version)
    correct(cast("dict[str, Any]", data))
    return data


class _Reader:
    def __init__(self, classes: list[ast.ClassDef]) -> None:
        self._by_base: dict[str, list[ast.ClassDef]] = {}
        for node in classes:
            base = node.bases[0].id if node.bases and isinstance(node.bases[0], ast.Name) else ""
            self._by_base.setdefault(base, []).append(node)
        self._objects = {_graphql_name(node): node for node in self._by_base.get("Type", [])}
        self._scalars = {node.name for node in self._by_base.get("Scalar", [])}

    def read(self, version: str) -> ApiData:
        protocols = {node.name for node in self._by_base.get("Protocol", [])}
        types = {
            name: TypeData(fields=self._fields(name, node), interfaces=[])
            for name, node in {"Query": self._by_base["Root"][0], **self._objects}.items()
        }
        return ApiData(
            version=version,
            scalars=sorted({"ID", "String", "Int", "Boolean", "Float", *self._scalars}),
            enums={node.name: _members(node) for node in self._by_base.get("Enum", [])},
            inputs={node.name: self._inputs(node) for node in self._by_base.get("Input", [])},
            interfaces={name: data for name, data in types.items() if name in protocols},
            objects={name: data for name, data in types.items() if name not in protocols},
        )

    def _inputs(self, node: ast.ClassDef) -> list[ArgumentData]:
        members = [member for member in node.body if isinstance(member, ast.AnnAssign)]
        return [
            self._argument(_camel(ast.unparse(member.target)), member.annotation, member.value)
            for member in members
        ]

    def _fields(self, owner: str, node: ast.ClassDef) -> dict[str, FieldData]:
        fields: dict[str, FieldData] = {}
        for method in node.body:
            if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef):
                field = self._field(owner, method)
                if field is not None:
                    fields[field[0]] = field
        return dict(sorted(fields.items()))

    def _field(
        self, owner: str, method: ast.FunctionDef | ast.AsyncFunctionDef
    ) -> FieldData | None:
        calls = {name: call for call in _calls(method) if (name := _called(call))}
        select = calls.get("_select") or calls.get("execute_sync")
        if select is None:
            return None
        name = _text(select.args[0 if "_select" in calls else 1])
        if "execute_sync" in calls:
            returned = calls["execute_sync"].args[3:]
            kind, expected = "ID!", _name(returned[0]) if returned else owner
        elif name == "id":
            kind, expected = "ID!", owner
        else:
            kind, expected = self._result(method, calls), None
        return (name, kind, self._arguments(owner, method), expected, _deprecated(method))

    def _result(
        self, method: ast.FunctionDef | ast.AsyncFunctionDef, calls: dict[str, ast.Call]
    ) -> str:
        if listed := calls.get("execute_object_list"):
            return f"[{_name(listed.args[0])}!]!"
        if nullable := calls.get("execute_object"):
            return _name(nullable.args[0])
        if leaf := calls.get("execute"):
            return self._type(leaf.args[0]) if leaf.args else "Void"
        returned = method.body[-1]
        if isinstance(returned, ast.Return) and isinstance(returned.value, ast.Call):
            return f"{_name(returned.value.func)}!"
        raise EngineError(f"the SDK's client is not understood at line {method.lineno}")

    def _arguments(
        self, owner: str, method: ast.FunctionDef | ast.AsyncFunctionDef
    ) -> tuple[ArgumentData, ...]:
        hints = {
            parameter.arg: parameter.annotation
            for parameter in [*method.args.args, *method.args.kwonlyargs]
            if parameter.annotation is not None
        }
        reasons = _deprecated_arguments(method)
        arguments: list[ArgumentData] = []
        for call in _calls(method):
            if _called(call) == "Arg":
                value = call.args[1].orelse if isinstance(call.args[1], ast.IfExp) else call.args[1]
                python_name = ast.unparse(value)
                default = call.args[2] if len(call.args) > 2 else None  # noqa: PLR2004 - Arg's own
                argument = self._argument(
                    _text(call.args[0]), hints[python_name], default, owner=owner
                )
                arguments.append((*argument[:5], reasons.get(python_name)))
        return tuple(arguments)

    def _argument(
        self, name: str, hint: ast.expr, default: ast.expr | None, owner: str = ""
    ) -> ArgumentData:
        kind = self._type(hint).replace("Self", owner)
        bare = kind.strip("[]!")
        expected = None
        if bare == "Type" or bare in self._objects:
            kind, expected = kind.replace(bare, "ID"), "Node" if bare == "Type" else bare
        # None is how the client says that there is no default.
        has_default = default is not None and not _is_none(default)
        value = _literal(default) if default is not None else None
        return (name, kind, has_default, value, expected, None)

    def _type(self, hint: ast.expr) -> str:
        """Return the GraphQL type of a Python annotation."""
        if isinstance(hint, ast.Constant) and isinstance(hint.value, str):
            hint = ast.parse(hint.value, mode="eval").body
        if isinstance(hint, ast.BinOp):
            return self._type(hint.left).removesuffix("!")
        if isinstance(hint, ast.Subscript):
            return f"[{self._type(hint.slice)}]!"
        name = _name(hint)
        return f"{BUILT_IN.get(name, name)}!"


def _graphql_name(node: ast.ClassDef) -> str:
    return node.name.removeprefix("_").removesuffix("Client") if node.name[0] == "_" else node.name


def _name(node: ast.expr) -> str:
    """Return the GraphQL name that an expression of the client names."""
    name = _text(node) if isinstance(node, ast.Constant) else ast.unparse(node)
    return name[1:].removesuffix("Client") if name.startswith("_") else name


def _text(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else ast.unparse(node)


def _calls(method: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.Call]:
    """Yield the calls of a method's statements, its docstring aside, in the order of the text."""
    for statement in method.body:
        if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
            calls = [node for node in ast.walk(statement) if isinstance(node, ast.Call)]
            yield from sorted(calls, key=lambda node: (node.lineno, node.col_offset))


def _called(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) and function.id == "Arg" else ""


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _literal(node: ast.expr) -> Any:
    """Return a default: a constant, an enum's member by its name, or a list of these."""
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.List):
        return [_literal(item) for item in node.elts]
    return ast.literal_eval(node)


def _members(node: ast.ClassDef) -> dict[str, str]:
    return {
        ast.unparse(member.targets[0]): _text(member.value)
        for member in node.body
        if isinstance(member, ast.Assign)
    }


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _deprecated(method: ast.FunctionDef | ast.AsyncFunctionDef) -> str | None:
    """Return the reason in the warning that the client gives for a deprecated field."""
    for call in _calls(method):
        if _called(call) == "warn":
            reason = _text(call.args[0]).partition(" is deprecated: ")[2]
            return re.sub(r"\b[a-z]+(?:_[a-z]+)+\b", lambda found: _camel(found[0]), reason)
    return None


def _deprecated_arguments(method: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, str]:
    """Return the reasons, by parameter, in the `Parameters` section of the documentation."""
    reasons: dict[str, str] = {}
    parameter = ""
    text = ast.get_docstring(method) or ""
    if ".. deprecated::" not in text:
        return reasons
    for line in text.partition("----------")[2].splitlines():
        if found := re.fullmatch(r"(\w+):", line):
            parameter = found[1]
        elif parameter and (found := re.fullmatch(r"\s+\.\. deprecated:: (.+)", line)):
            reasons[parameter] = found[1]
    return reasons
