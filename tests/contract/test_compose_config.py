"""`keelway compose config`, as a user runs it."""

import json
from pathlib import Path

from tests.contract.conftest import Keelway

SHOP = """\
services:
  web: {image: 'web:${TAG:-dev}', oom_score_adj: 5, volumes: ['data:/data']}
  test: {build: ., profiles: [test]}
volumes: {data: }
"""


def test_it_prints_the_project_and_tells_what_is_ignored(keelway: Keelway, tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(SHOP)
    done = keelway("compose", "config", "--file", str(file), "--format", "json", "-p", "shop")
    assert done.returncode == 0
    assert json.loads(done.stdout)["services"]["web"]["image"] == "web:dev"
    assert "warning: compose.yaml:2: services.web.oom_score_adj: the engine" in done.stderr
    listed = keelway("compose", "config", "-f", str(file), "--profile", "*", "--images", "-p", "x")
    assert listed.stdout.splitlines() == ["web:dev", "x-test"]


def test_mistakes_end_with_their_exit_code(keelway: Keelway, tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text("services:\n  web:\n    imag: a\n")
    done = keelway("compose", "config", "--file", str(file))
    assert done.returncode == 2
    problem = "compose.yaml:3: services.web.imag: unknown key. Did you mean 'image'?"
    assert done.stderr.startswith(f"error: {problem}")
