"""What the SDK registers of keelway's module, against what `keelway call` makes of it.

The SDK's own registration runs against an engine that records; what it declared there is compared
with the functions, arguments, types, defaults and texts that a caller sees.
"""

import json
import tomllib
from pathlib import Path
from typing import Any

import anyio
import dagger
import pytest
from dagger.mod._converter import to_typedef

from keelway.calling.described import Argument, Described, Function, Kind, TypeOf
from keelway.calling.loading import load_module
from keelway.calling.printing import help_text
from keelway.calling.registry import Registry
from keelway.calling.words import understand
from keelway.module import Keelway
from tests.support.docs import blocks, commands
from tests.support.recording import Chain, RecordingEngine

ROOT = Path(__file__).parents[2]
OWN = ("Keelway", "Project", "Built", "Outcome", "Published")


@pytest.fixture(scope="module")
def registered() -> dict[str, Chain]:
    """Every object type of the module as it was declared to the API, by name."""
    module: Any = Keelway.__dagger_module__  # type: ignore[attr-defined]  # the SDK puts it there
    engine = RecordingEngine()
    with engine.serve(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_main_name", "Keelway")
        patch.setattr(module, "_main", module.get_object("Keelway"))
        for name, value in engine.environment().items():
            patch.setenv(name, value)
        declared = engine._objects[anyio.run(_register, module)]
    types = [call["object"] for call in declared.all("withObject")]
    return {one["withObject"]["name"]: one for one in types}


async def _register(module: Any) -> str:
    """Return the id of the module, after the SDK declared all of it."""
    to_typedef.cache_clear()  # they know the session that they were made in
    # Hundreds of questions at once: on a busy machine none of them may give up waiting.
    async with dagger.connection(dagger.Config(retry=None, timeout=None)):
        return str(await module._typedefs())


def type_text(declared: Chain) -> str:
    """Return a declared type as a caller writes it."""
    optional = "?" if "withOptional" in declared else ""
    if "withKind" in declared:
        return f"{declared['withKind']['kind'].removesuffix('_KIND')}{optional}"
    if "withListOf" in declared:
        return f"[{type_text(declared['withListOf']['elementType'])}]{optional}"
    (named,) = [
        declared[name]["name"] for name in ("withObject", "withScalar", "withEnum")
        if name in declared
    ]  # fmt: skip
    return f"{named}{optional}"


def own_type_text(known: TypeOf) -> str:
    """Return a type that the caller knows, in the same form."""
    optional = "?" if known.nullable else ""
    if known.element is not None:
        return f"[{own_type_text(known.element)}]{optional}"
    kinds = {Kind.INTEGER: "INTEGER", Kind.BOOLEAN: "BOOLEAN", Kind.FLOAT: "FLOAT"}
    return (known.name or kinds.get(known.kind) or known.kind.upper()) + optional


def declared_argument(call: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": call["name"],
        "type": type_text(call["typeDef"]),
        "doc": call.get("description", ""),
        "default": call.get("defaultValue"),
        "default_path": call.get("defaultPath"),
        "ignore": call.get("ignore", []),
    }


def own_argument(argument: Argument) -> dict[str, Any]:
    return {
        "name": argument.name,
        "type": own_type_text(argument.type),
        "doc": argument.doc,
        "default": argument.default,
        "default_path": argument.default_path,
        "ignore": list(argument.ignore),
    }


def declared_function(function: Chain) -> dict[str, Any]:
    return {
        "name": function["function"]["name"],
        "returns": type_text(function["function"]["returnType"]),
        "doc": function["withDescription"]["description"] if "withDescription" in function else "",
        "check": "withCheck" in function,
        "never": "withCachePolicy" in function and function["withCachePolicy"]["policy"] == "Never",
        "arguments": [declared_argument(call) for call in function.all("withArg")],
    }


def own_function(function: Function) -> dict[str, Any]:
    return {
        "name": function.name,
        "returns": own_type_text(function.returns),
        "doc": function.doc,
        "check": function.check,
        "never": function.cache == "never",
        "arguments": [own_argument(one) for one in function.arguments],
    }


def declared_object(declared: Chain) -> dict[str, Any]:
    functions = [declared_function(call["function"]) for call in declared.all("withFunction")]
    fields = [
        {
            "name": call["name"], "returns": type_text(call["typeDef"]),
            "doc": call.get("description", ""), "check": False, "never": False, "arguments": [],
        }
        for call in declared.all("withField")
    ]  # fmt: skip
    return {
        "doc": declared["withObject"].get("description", ""),
        "functions": sorted([*functions, *fields], key=lambda one: one["name"]),
    }


def own_object(described: Described) -> dict[str, Any]:
    return {
        "doc": described.doc,
        "functions": [own_function(one) for one in described.functions.values()],
    }


def test_callers_see_what_the_sdk_registers(registered: dict[str, Chain]) -> None:
    registry = Registry(Keelway)
    for name in OWN:
        assert own_object(registry.object(name)) == declared_object(registered[name])
    constructor = registry.constructor()
    declared = declared_function(registered["Keelway"]["withConstructor"]["function"])
    assert own_function(constructor)["arguments"] == declared["arguments"]


def test_help_tells_of_all_that_is_registered(registered: dict[str, Chain]) -> None:
    registry = Registry(Keelway)
    for call in registered["Keelway"].all("withFunction"):
        declared = declared_function(call["function"])
        words = [declared["name"].replace("_", "-"), "--help"]
        text = " ".join(help_text(understand(words, registry), "").split())
        assert " ".join(declared["doc"].split()) in text
        for argument in declared["arguments"]:
            assert f"--{argument['name'].replace('_', '-')} " in text
            assert " ".join(argument["doc"].split()) in text


def test_every_function_and_argument_says_what_it_is_for() -> None:
    registry = Registry(Keelway)
    for name in OWN:
        described = registry.object(name)
        for function in described.functions.values():
            assert function.doc, f"{name}.{function.name}"
            for argument in function.arguments:
                assert argument.doc, f"{name}.{function.name}: {argument.name}"


def test_what_reaches_outside_is_never_cached_and_checks_take_no_arguments() -> None:
    registry = Registry(Keelway)
    functions = [one for name in OWN for one in registry.object(name).functions.values()]
    remembered = {one.name for one in functions if one.cache is None and one.arguments}
    assert remembered == {"with_secret", "plan", "tags", "image", "container", "archive"}
    checks = [one for one in functions if one.check]
    assert {one.name for one in checks} == {
        "check_plan", "check_policy", "check_scan", "check_tests"
    }  # fmt: skip
    assert all(not one.arguments and one.cache == "never" for one in checks)


def test_the_folder_ci_is_this_module() -> None:
    module = load_module("ci", ROOT)
    assert module.registry.main == Keelway.__name__
    described = json.loads((ROOT / "ci" / "dagger.json").read_text())
    included = [path for path in described["include"] if not path.startswith("!")]
    assert all((ROOT / "ci" / path).exists() for path in included)
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())
    files = [needed["project"]["readme"], *needed["project"]["license-files"]]
    packages = needed["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert {f"../{path}" for path in [*files, *packages, "pyproject.toml"]} == set(included)
    own = tomllib.loads((ROOT / "ci" / "pyproject.toml").read_text())
    assert "dagger-io" in own["project"]["dependencies"]  # no floor: it has the version 0.0.0 there


def test_calls_that_the_page_shows_are_calls_of_the_module() -> None:
    registry = Registry(Keelway)
    page = ROOT / "docs" / "how-to" / "dagger-call.md"
    shown = [command.words for block in blocks(page) for command in commands(block)]
    calls = [words for words in shown if "call" in words]
    assert len(calls) >= 5
    for words in calls:
        understand(words[words.index("call") + 1 :], registry)
