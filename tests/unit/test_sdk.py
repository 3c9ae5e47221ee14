"""The SDK is loaded with its checks, or without them where every call is keelway's own."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOADED = """
import beartype
from keelway import _sdk
before = beartype.beartype
{first}
_sdk.load_sdk()
assert beartype.beartype is before
import dagger
try:
    dagger.Container.with_exec(object.__new__(dagger.Container), args=1)
except TypeError:
    print("checked")
except AttributeError:
    print("unchecked")
"""


@pytest.mark.parametrize(
    ("first", "said"),
    [
        pytest.param("pass", "checked", id="a library's pipelines"),
        pytest.param("_sdk.without_checks()", "unchecked", id="keelway's own program"),
        pytest.param("import dagger; _sdk.without_checks()", "checked", id="loaded before"),
    ],
)
def test_who_is_checked(first: str, said: str) -> None:
    script = LOADED.format(first=first)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.stderr) == (said, "")


SELECTED = """
from keelway import _sdk
_sdk.without_checks()
_sdk.load_sdk()
import dagger
from dagger.client import _core
made, make = [], _core.make_json_converter
_core.make_json_converter = lambda **settings: made.append(settings) or make(**settings)
box = dagger.Client(_core.Context(None)).container().from_("alpine")
for number in range(20):
    box = box.with_env_variable("N", str(number))
print(len(made), end=" ")
query = box._ctx.select("Container", "platform", [])
assert query.converter.structure("linux/amd64", str) == "linux/amd64"
print(len(made), end=" ")
assert query.converter.structure("linux/amd64", dagger.Platform) == "linux/amd64"
assert query.converter.structure("TCP", dagger.NetworkProtocol) is dagger.NetworkProtocol.TCP
print(len(made))
"""


def test_what_is_selected_costs_no_converter_and_an_answer_one_at_most() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SELECTED], capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.stderr) == ("0 0 1", "")


TRACED = """
from keelway import _sdk
import sys
_sdk.without_checks(traced={traced})
_sdk.load_sdk()
print("opentelemetry.sdk.trace" in sys.modules, end=" ")
from dagger import telemetry
print(telemetry.otel_enabled())
"""


@pytest.mark.parametrize("traced", [True, False])
def test_what_sends_traces_is_loaded_where_somebody_traces_or_asks_for_it(traced: bool) -> None:
    script = TRACED.format(traced=traced)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.stderr) == (f"{traced} True", "")
