"""What the SDK's generated client does not say about the API, and what older clients ask for."""

from __future__ import annotations

from typing import Any

# Objects that may be missing: the 0.21 client has no way to say so, the 1.0 client has.
NULLABLE = frozenset(
    {
        "Check.error",
        "Container.dockerHealthcheck",
        "Container.stat",
        "Directory.stat",
        "EnumTypeDef.sourceMap",
        "EnumValueTypeDef.sourceMap",
        "FieldTypeDef.sourceMap",
        "File.stat",
        "Function.sourceMap",
        "FunctionArg.sourceMap",
        "InterfaceTypeDef.sourceMap",
        "Module.runtime",
        "Module.sdk",
        "Module.source",
        "ModuleSource.sdk",
        "ObjectTypeDef.constructor",
        "ObjectTypeDef.sourceMap",
        "Query.node",
        "TypeDef.asEnum",
        "TypeDef.asInput",
        "TypeDef.asInterface",
        "TypeDef.asList",
        "TypeDef.asObject",
        "TypeDef.asScalar",
    }
)
# The client drops what a field without a result returns; all others are nullable.
NON_NULL = frozenset({"Container.exportImage"})

NODE = "Node"


def correct(data: dict[str, Any]) -> None:
    """Put into reflected data what reflection cannot see."""
    for kind in ("objects", "interfaces"):
        for owner, type_data in data[kind].items():
            _correct_nullability(owner, type_data["fields"])
    _add_interfaces(data)
    _add_loaders(data)


def _correct_nullability(owner: str, fields: dict[str, Any]) -> None:
    for name, (_, kind, *rest) in list(fields.items()):
        if f"{owner}.{name}" in NULLABLE:
            fields[name] = (name, kind.removesuffix("!"), *rest)
        elif f"{owner}.{name}" in NON_NULL:
            fields[name] = (name, kind.removesuffix("!") + "!", *rest)


def _add_interfaces(data: dict[str, Any]) -> None:
    """Let each type implement the interfaces whose fields it has, as the engine's types do."""
    interfaces = data["interfaces"]
    for name, type_data in {**data["objects"], **interfaces}.items():
        type_data["interfaces"] = sorted(
            other
            for other in interfaces
            if other != name and _has_all(type_data, interfaces[other])
        )


def _has_all(type_data: dict[str, Any], interface: dict[str, Any]) -> bool:
    fields = type_data["fields"]
    return all(
        name in fields
        and fields[name][1] == kind
        and {argument[:2] for argument in arguments}
        <= {argument[:2] for argument in fields[name][2]}
        for name, kind, arguments, *_ in interface["fields"].values()
    )


def _add_loaders(data: dict[str, Any]) -> None:
    """Add `loadFooFromID(id: FooID!)` for each type: clients before 0.22 may ask for it."""
    scalars = set(data["scalars"])
    root = data["objects"]["Query"]["fields"]
    for name, type_data in {**data["objects"], **data["interfaces"]}.items():
        if name not in ("Query", NODE) and "id" in type_data["fields"]:
            scalar, loader = f"{name}ID", f"load{name}FromID"
            scalars.add(scalar)
            argument = ("id", f"{scalar}!", False, None, name, None)
            root[loader] = (loader, f"{name}!", (argument,), None, None)
    data["scalars"] = sorted(scalars)
    data["objects"]["Query"]["fields"] = dict(sorted(root.items()))
