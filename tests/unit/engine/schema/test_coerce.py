"""Arguments as resolvers get them."""

from __future__ import annotations

from typing import Any

import pytest

from keelway.engine.schema import client as sdk
from keelway.engine.schema.api import Api, type_ref
from keelway.engine.schema.coerce import EnumName, Refused, coerce, coerce_arguments
from keelway.engine.schema.reflect import reflect


@pytest.fixture(scope="module")
def api() -> Api:
    return Api(reflect(sdk.find_client().read_text()))


@pytest.mark.parametrize(
    ("kind", "value", "result"),
    [
        ("String", "a", "a"),
        ("String", None, None),
        ("Int!", 2**63 - 1, 2**63 - 1),
        ("Float!", 1, 1.0),
        ("ID!", 12, "12"),
        ("ContainerID!", "x1", "x1"),
        ("[String!]!", "alone", ["alone"]),
        ("[String!]", ["a", "b"], ["a", "b"]),
        ("Platform", "linux/arm64", "linux/arm64"),
        ("ImageLayerCompression", EnumName("GZIP"), "Gzip"),
        ("ReturnType", "ANY", "ANY"),
        ("[BuildArg!]", [{"name": "A", "value": "1"}], [{"name": "A", "value": "1"}]),
        ("PortForward", {"backend": 80}, {"backend": 80, "protocol": "TCP"}),
    ],
)
def test_values_that_fit(api: Api, kind: str, value: Any, result: Any) -> None:
    assert coerce(api, type_ref(kind), value) == result


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        ("String!", None, "found null"),
        ("String", 1, "expected a string, found an integer"),
        ("String", EnumName("X"), "found the name X"),
        ("Int", True, "found a boolean"),
        ("Int", 2**63, "an integer of 64 bits"),
        ("Int", 1.5, "found a float"),
        ("Boolean", "yes", "expected true or false"),
        ("[String!]!", [None], "found null"),
        ("ReturnType", EnumName("MAYBE"), "expected one of ANY, FAILURE, SUCCESS"),
        ("PortForward", "80", "expected an object of type PortForward"),
        ("PortForward", {"backend": 80, "front": 1}, 'Unknown argument "front"'),
        ("PortForward", {}, 'argument "backend" of PortForward: a value of type Int! is required'),
    ],
)
def test_values_that_do_not_fit(api: Api, kind: str, value: Any, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        coerce(api, type_ref(kind), value)


def test_a_refused_value_is_not_repeated_since_it_may_be_a_secret(api: Api) -> None:
    with pytest.raises(Refused) as caught:
        coerce(api, type_ref("Int"), "hunter2")
    assert "hunter2" not in str(caught.value)


def test_arguments_get_defaults_and_lose_nulls(api: Api) -> None:
    field = api.field("Container", "asTarball")
    assert field is not None
    given = {"forcedCompression": None, "platformVariants": ["x"]}
    assert coerce_arguments(api, field.arguments, given, "asTarball") == {
        "platformVariants": ["x"],
        "mediaTypes": "OCIMediaTypes",
    }


def test_defaults_that_are_lists_are_not_shared(api: Api) -> None:
    field = api.field("Container", "publish")
    assert field is not None
    first = coerce_arguments(api, field.arguments, {"address": "a"}, "publish")
    first["platformVariants"].append("x")
    second = coerce_arguments(api, field.arguments, {"address": "a"}, "publish")
    assert second["platformVariants"] == []
