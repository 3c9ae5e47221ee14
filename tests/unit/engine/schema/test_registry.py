"""How resolvers are declared."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from keelway.engine.schema.registry import Resolvers
from keelway.engine.schema.unsupported import unsupported


def test_a_declared_field_is_found() -> None:
    resolvers = Resolvers()

    @resolvers.field("Container", "stdout")
    def stdout(parent: object, args: dict[str, object], session: object) -> str:
        return f"{parent} {args} {session}"

    assert resolvers.find("Container", "stdout") is stdout
    assert resolvers.find("Container", "stderr") is None
    assert list(resolvers) == [("Container", "stdout")]


def test_records_read_attributes() -> None:
    resolvers = Resolvers()
    resolvers.record("Port", "port", "skipCheck", description="text")
    value = SimpleNamespace(port=80, skip_check=True, text="web")
    answers = [
        resolver(value, {}, None)
        for name in ("port", "skipCheck", "description")
        if (resolver := resolvers.find("Port", name))
    ]
    assert answers == [80, True, "web"]
    assert resolvers.is_record("Port", "port")
    assert not resolvers.is_record("Port", "other")


def test_a_field_has_one_resolver() -> None:
    one, other = Resolvers(), Resolvers()
    one.record("Label", "name")
    other.record("Label", "name")
    with pytest.raises(ValueError, match=r"Label\.name has two resolvers"):
        one.include(other)


def test_fields_that_the_api_does_not_have_are_named() -> None:
    resolvers = Resolvers()
    resolvers.record("Label", "name", "valeu")
    assert resolvers.unknown_to([("Label", "name"), ("Label", "value")]) == ["Label.valeu"]


def test_what_is_not_supported_names_itself_and_another_way() -> None:
    assert str(unsupported("Container", "withGPU")) == (
        "Container.withGPU is not supported by the local engine: "
        "GPUs are not passed on to containers"
    )
    assert "Dagger's own engine" in str(unsupported("Module", "serve"))
