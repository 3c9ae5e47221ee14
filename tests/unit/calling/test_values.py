"""Arguments as they are written, read as plain values."""

from typing import Any

import dagger
import pytest

from keelway.calling.registry import Registry
from keelway.calling.types import type_of
from keelway.calling.values import WrongValueError, expected, plain_value
from tests.unit.calling.sample import Level, Sample


@pytest.mark.parametrize(
    ("hint", "written", "value"),
    [
        (str, ["a,b"], "a,b"),
        (int, ["0x10"], 16),
        (float, ["1e3"], 1000.0),
        (bool, ["T"], True),
        (bool, ["0"], False),
        (Level, ["loud"], "LOUD"),
        (list[str], ["a, b", 'c,"d,e"'], ["a", "b", "c", "d,e"]),
        (list[int], ["1,2"], [1, 2]),
        (dagger.Platform, ["linux/arm64"], "linux/arm64"),
        (dagger.Directory, ["."], "."),
        (list[dagger.BuildArg], ["A=1=2"], [dagger.BuildArg("A", "1=2")]),
        (dagger.PortForward, ["80:8080"], dagger.PortForward(frontend=80, backend=8080)),
    ],
)
def test_values_are_read(hint: Any, written: list[str], value: object) -> None:
    assert plain_value(type_of(hint), written) == value


@pytest.mark.parametrize(
    ("hint", "text", "words"),
    [
        (int, "1.5", "a whole number"),
        (float, "much", "a number"),
        (bool, "yes", "true or false"),
        (Level, "high", "one of LOUD, QUIET"),
        (dagger.Platform, "arm64", "a platform such as linux/arm64"),
        (dagger.Directory, "", "a folder of this machine"),
        (dagger.BuildArg, "A", "NAME=VALUE"),
        (dagger.PortForward, "80", "FRONTEND:BACKEND"),
    ],
)
def test_what_is_expected_is_known_for_every_kind(hint: Any, text: str, words: str) -> None:
    with pytest.raises(WrongValueError):
        plain_value(type_of(hint), [text])
    assert words in expected(type_of(hint))


def test_types_are_shown_as_dagger_shows_them() -> None:
    function = Registry(Sample).object("Sample").functions["part"]
    assert [f"{one.flag} {one.type}" for one in function.arguments] == [
        "name string", "level LOUD,QUIET", "ratio float", "words []string", "dry-run bool"
    ]  # fmt: skip
