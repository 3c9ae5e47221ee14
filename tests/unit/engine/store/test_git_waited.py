"""`git` that nobody waits for any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keelway.engine.errors import EngineError
from keelway.engine.store.git import git
from keelway.engine.store.waited import abandoned_when

if TYPE_CHECKING:
    from pathlib import Path

SLOW = ("-c", "alias.slow=!sleep 3", "slow")


def test_what_is_waited_for_is_finished(tmp_path: Path) -> None:
    assert git(["hash-object", "--stdin"], cwd=tmp_path, doing="hash", data="x", alone=True)


def test_what_nobody_waits_for_is_ended(tmp_path: Path) -> None:
    with abandoned_when(lambda: True), pytest.raises(EngineError, match="nobody waits"):
        git(SLOW, cwd=tmp_path, doing="sleep", alone=True)
