"""Where a store may be: on what overlayfs takes as the place of an upper layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keelway.engine.errors import EngineError
from keelway.engine.run import kernel, overlay
from keelway.engine.run.stacking import demand_stacking
from tests.unit.engine.run.sandboxed import Account, in_sandbox

if TYPE_CHECKING:
    from pathlib import Path

    from keelway.engine.run.enter import Sandbox


@pytest.mark.parametrize("root", [True, False])
def test_a_container_s_own_file_system_is_refused(account: Account, *, root: bool) -> None:
    def work(sandbox: Sandbox) -> str:
        place = sandbox.state_dir
        for name in ("lower", "upper", "work", "container"):
            (place / name).mkdir()
        store = place / "container"
        with overlay.mount_overlay(
            [place / "lower"], upper=place / "upper", work=place / "work", target=store
        ):
            with pytest.raises(EngineError) as caught:
                demand_stacking(store)
            return str(caught.value)

    text = in_sandbox(work, account=None if root else account)
    assert "the file system of the store (overlay, mounted at " in text
    assert "Set KEELWAY_STORE to a directory on ext4" in text
    assert "one on a volume" in text


def test_a_file_system_without_overlays_is_refused() -> None:
    def work(sandbox: Sandbox) -> None:
        place = sandbox.state_dir / "ram"
        place.mkdir()
        kernel.mount("ramfs", place, "ramfs", 0)
        with pytest.raises(EngineError, match=r"\(ramfs, mounted at .*/ram\)"):
            demand_stacking(place)

    in_sandbox(work)


def test_others_take_layers(tmp_path: Path) -> None:
    def work(sandbox: Sandbox) -> None:
        demand_stacking(tmp_path)
        (sandbox.state_dir / "store").mkdir()
        demand_stacking(sandbox.state_dir / "store")

    in_sandbox(work)
