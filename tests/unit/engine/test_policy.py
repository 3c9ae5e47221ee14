from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keelway.engine.errors import EngineError
from keelway.engine.policy import Policy, describe, read_policy

if TYPE_CHECKING:
    from pathlib import Path

DISK = 1000


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("", None),
        (" , ", None),
        ("20GB", Policy(max_used=20_000_000_000)),
        ("10%", Policy(max_used=100)),
        ("maxUsedSpace=50%", Policy(max_used=500)),
        (
            "maxUsedSpace=1kB, minFreeSpace=10%,reservedSpace=7,targetSpace=1KiB",
            Policy(max_used=1000, min_free=100, reserved=7, target=1024),
        ),
    ],
)
def test_what_a_text_means(text: str, policy: Policy | None) -> None:
    assert read_policy(text, disk=DISK) == policy


@pytest.mark.parametrize("text", ["much", "20XB", "most=3GB", "maxUsedSpace=", "101%", "-1GB"])
def test_a_text_without_meaning_is_told_with_examples(text: str) -> None:
    with pytest.raises(EngineError, match=f"KEELWAY_ENGINE_GC='{text}'.*20GB or 10%, `off`"):
        read_policy(text, disk=DISK)


def test_room_is_made_only_when_there_is_too_little(tmp_path: Path) -> None:
    assert Policy(max_used=100).room(tmp_path, 80) == 100
    assert Policy(max_used=100, target=50).room(tmp_path, 80) == 100
    assert Policy(max_used=100, target=50).room(tmp_path, 120) == 50
    assert Policy(max_used=100, reserved=110).room(tmp_path, 120) == 110
    assert Policy(min_free=1 << 80, reserved=10).room(tmp_path, 120) == 10
    assert Policy().room(tmp_path, 120) == 0


def test_a_budget_in_words(tmp_path: Path) -> None:
    assert describe("20GB", tmp_path) == "at most 20.0 GB; KEELWAY_ENGINE_GC=20GB"
    assert describe("off", tmp_path) == "none: KEELWAY_ENGINE_GC=off"
    assert describe("", tmp_path).startswith("at most ")
