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
