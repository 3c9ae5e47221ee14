"""Functions of a module, called as its runtime would call them."""

import pytest

from keelway.calling.registry import Registry
from keelway.errors import KeelwayError
from tests.unit.calling.sample import Sample


async def test_an_object_comes_from_its_state_and_arguments_are_plain_values() -> None:
    registry = Registry(Sample)
    assert await registry.call("Part", {"name": "a"}, "shout", {"times": 2}) == "AA"
    assert await registry.call("Part", {"name": "a"}, "shout", {}) == "A"
    assert await registry.call("Part", {"name": "a"}, "name", {}) == "a"


async def test_a_function_that_raises_is_named() -> None:
    with pytest.raises(KeelwayError, match="fail failed") as caught:
        await Registry(Sample).call("Part", {"name": "nothing"}, "fail", {})
    assert "why: LookupError" in caught.value.diagnostics()
    assert caught.value.exit_code == 1
