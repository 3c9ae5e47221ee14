"""`make bench` measures: its quick form, with the real engine and buildah."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.missing import need, root_only

ROOT = Path(__file__).parents[2]


@pytest.mark.once
def test_a_quick_run_measures_builds_and_the_engine(tmp_path: Path) -> None:
    root_only("buildah builds in a chroot")
    need("buildah", package="buildah")
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--out", tmp_path],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "bench/figures.json").read_text())
    assert {one["who"] for one in told["growth"]["points"]} == {"keelway", "buildah"}
    assert all(one["rounds"][0]["seconds"] > 0 for one in told["growth"]["points"])
    keelway = next(one for one in told["growth"]["points"] if one["who"] == "keelway")
    assert keelway["rounds"][0]["peak"]["engine"] > 20e6
    assert keelway["rounds"][0]["disk"] > 10_000
    assert "connect" in {row["name"] for row in told["engine"]["rows"]}
    page = (tmp_path / "bench.md").read_text()
    assert "not for publishing**: only a part was measured" in page


def test_the_script_of_the_release_is_a_script() -> None:
    subprocess.run(["bash", "-n", ROOT / "bench/release.sh"], check=True)
