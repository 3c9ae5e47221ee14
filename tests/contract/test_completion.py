"""Completion by the shell itself: what bash offers after a Tab."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.conftest import START, Keelway, environment
from tests.support.missing import need

CONFIG = """\
[project]
name = "shop"
[images.orders]
[[registries]]
url = "registry.example.com/shop"
[base.python]
suite = "bookworm"
packages = ["python3"]
repository = "registry.example.com/shop/base-python"
"""
# Completes as bash does when Tab is pressed behind the words, and prints what it would offer.
OFFERED = """\
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
"$(complete -p keelway | sed 's/.*-F \\([^ ]*\\).*/\\1/')" keelway
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH on which the program has its name."""
    program = tmp_path / "bin" / "keelway"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{START}' \"$@\"\n")
    program.chmod(0o755)
    return f"{program.parent}:{os.environ['PATH']}"


def in_bash(folder: Path, script: str, *words: str, **variables: str) -> str:
    """Run a script of bash's and return what it wrote."""
    done = subprocess.run(
        [need("bash", package="bash"), "--norc", "-c", script, "bash", *words],
        cwd=folder,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def offered(folder: Path, path: str, *words: str) -> list[str]:
    """Return what bash offers for the last of the words."""
    script = folder / "completion.bash"
    if not script.exists():
        # The shell is known by the program's parent, which must not become the program.
        script.write_text(in_bash(folder, "keelway --show-completion; true", PATH=path))
    return in_bash(folder, OFFERED, str(script), *words, PATH=path).split()


def test_commands_and_options(tmp_path: Path, path: str) -> None:
    assert offered(tmp_path, path, "keelway", "rel") == ["release"]
    assert {"init", "plan", "compose", "doctor"} <= set(offered(tmp_path, path, "keelway", ""))
    assert offered(tmp_path, path, "keelway", "plan", "--j") == ["--json"]
    assert offered(tmp_path, path, "keelway", "release", "--engine", "") == [
        "auto",
        "local",
        "dagger",
    ]


def test_what_is_here(tmp_path: Path, path: str) -> None:
    (tmp_path / "keelway.toml").write_text(CONFIG)
    (tmp_path / "compose.yaml").write_text("services: {db: {image: x}, web: {image: x}}\n")
    assert offered(tmp_path, path, "keelway", "base", "") == ["python"]
    assert offered(tmp_path, path, "keelway", "verify", "reg") == [
        "registry.example.com/shop/orders"
    ]
    assert offered(tmp_path, path, "keelway", "compose", "config", "") == ["db", "web"]
    assert offered(tmp_path, path, "keelway", "logs", "w") == ["web"]
    assert "linux/arm64" in offered(tmp_path, path, "keelway", "init", "--platform", "linux/a")


def test_a_wrong_configuration_is_silent(tmp_path: Path, path: str) -> None:
    (tmp_path / "keelway.toml").write_text("[images")
    assert offered(tmp_path, path, "keelway", "base", "") == []


@pytest.mark.parametrize(
    ("shell", "expected"),
    [("zsh", "#compdef keelway"), ("fish", "complete --command keelway"), ("bash", "complete -o")],
)
def test_each_shell_has_its_script(keelway: Keelway, shell: str, expected: str) -> None:
    done = keelway(_KEELWAY_COMPLETE=f"source_{shell}")
    assert done.returncode == 0
    assert expected in done.stdout


def test_installing_it_writes_where_the_shell_looks(tmp_path: Path, path: str) -> None:
    in_bash(tmp_path, "keelway --install-completion; true", PATH=path, HOME=str(tmp_path))
    assert f"source '{tmp_path}/.bash_completions/keelway.sh'" in (tmp_path / ".bashrc").read_text()
    assert "_keelway_completion" in (tmp_path / ".bash_completions" / "keelway.sh").read_text()
