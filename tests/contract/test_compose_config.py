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


BASED = """\
services:
  cache: {image: '${REDIS_BASE:?not pinned}'}
"""
CONFIG = """\
[project]
name = "shop"
[images.orders]
[integration]
bases = { REDIS_BASE = "redis" }
[base.redis]
suite = "bookworm"
packages = ["redis-server"]
repository = "registry.test/base-redis"
"""


def test_base_images_are_those_that_the_lock_file_pins(keelway: Keelway, tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(BASED)
    (tmp_path / "keelway.toml").write_text(CONFIG)
    missing = keelway("compose", "config", "--images")
    assert missing.returncode == 2
    assert "not pinned" in missing.stderr
    image = f"registry.test/base-redis@sha256:{'ab' * 32}"
    (tmp_path / "keelway.lock").write_text(f'[base.redis]\nreference = "{image}"\ninputs = ""\n')
    assert keelway("compose", "config", "--images").stdout.splitlines() == [image]
