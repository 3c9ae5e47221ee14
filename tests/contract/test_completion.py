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
[[integration.suites]]
name = "api"
service = "tests"
[base.python]
suite = "bookworm"
packages = ["python3"]
repository = "registry.example.com/shop/base-python"
"""
MODULE = """\
import dagger
print("noise")
@dagger.object_type
class Shop:
    @dagger.function
    def {function}(self, name: str) -> dagger.Directory:
        \"\"\"Pack it.\"\"\"
        return dagger.dag.directory()
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


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH on which the program has its name."""
    program = tmp_path_factory.mktemp("path") / "bin" / "keelway"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{START}' \"$@\"\n")
    program.chmod(0o755)
    return f"{program.parent}:{os.environ['PATH']}"


def in_bash(folder: Path, script: str, *words: str, **variables: str) -> str:
    """Run a script of bash's and return what it wrote."""
    return in_shell("bash", "--norc", folder, script, *words, **variables)


def in_shell(
    shell: str, plain: str, folder: Path, script: str, *words: str, **variables: str
) -> str:
    """Run a script in a shell without its user's own settings, and return what it wrote."""
    done = subprocess.run(
        [need(shell, package=shell), plain, "-c", script, shell, *words],
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
    script = Path(path.partition(":")[0]) / "completion.bash"
    if not script.exists():
        # The shell is known by the program's parent, which must not become the program.
        script.write_text(in_bash(folder, "keelway --show-completion; true", PATH=path))
    return in_bash(
        folder, OFFERED, str(script), *words, PATH=path, HOME=str(folder), PYTHONPATH=str(folder)
    ).split()


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
    (tmp_path / "compose.yaml").write_text(
        "services: {db: {image: x}, tests: {image: x, profiles: [test]}, web: {image: x}}\n"
    )
    assert offered(tmp_path, path, "keelway", "base", "") == ["python"]
    assert offered(tmp_path, path, "keelway", "verify", "reg") == [
        "registry.example.com/shop/orders"
    ]
    assert offered(tmp_path, path, "keelway", "compose", "config", "") == ["db", "tests", "web"]
    assert offered(tmp_path, path, "keelway", "logs", "w") == ["web"]
    assert "linux/arm64" in offered(tmp_path, path, "keelway", "init", "--platform", "linux/a")

    assert offered(tmp_path, path, "keelway", "build", "--image", "") == ["orders"]
    assert offered(tmp_path, path, "keelway", "test", "--suite", "") == ["api"]
    assert offered(tmp_path, path, "keelway", "scan", "--platform", "") == [
        "linux/amd64",
        "linux/arm64",
    ]
    assert offered(tmp_path, path, "keelway", "up", "--profile", "") == ["test"]
    assert offered(tmp_path, path, "keelway", "init", "ci", "git") == ["github", "gitlab"]


def test_functions_and_arguments_of_a_call(tmp_path: Path, path: str) -> None:
    module = tmp_path / "ci"
    (module / "src" / "shop").mkdir(parents=True)
    (module / "dagger.json").write_text('{"name": "shop", "sdk": {"source": "python"}}')
    code = module / "src" / "shop" / "__init__.py"
    code.write_text(MODULE.format(function="pack"))
    assert offered(tmp_path, path, "keelway", "call", "") == ["pack"]
    assert offered(tmp_path, path, "keelway", "functions", "") == ["pack"]
    assert offered(tmp_path, path, "keelway", "call", "pack", "") == ["--name"]
    chained = offered(tmp_path, path, "keelway", "call", "pack", "--name", "x", "with-new-f")
    assert chained == ["with-new-file"]
    assert "--engine" in offered(tmp_path, path, "keelway", "call", "pack", "--e")
    code.write_text(MODULE.format(function="unpack"))
    assert offered(tmp_path, path, "keelway", "call", "") == ["unpack"], "it is another module now"
    assert offered(tmp_path, path, "keelway", "call", "-m", "nowhere", "") == []


def test_the_second_press_of_a_key_does_not_import_what_is_slow(
    tmp_path: Path, path: str, keelway: Keelway
) -> None:
    offered(tmp_path, path, "keelway", "call", "")
    (tmp_path / "dagger.py").write_text("raise SystemExit('imported')\n")
    done = keelway(
        COMP_WORDS="keelway call ",
        COMP_CWORD="2",
        _KEELWAY_COMPLETE="complete_bash",
        HOME=str(tmp_path),
    )
    assert "check-policy" in done.stdout.split()


def test_a_wrong_configuration_is_silent(tmp_path: Path, path: str) -> None:
    (tmp_path / "keelway.toml").write_text("[images")
    assert offered(tmp_path, path, "keelway", "base", "") == []


# What zsh would list for a word: `words` are the line, `CURRENT` is the word at the cursor.
IN_ZSH = """\
autoload -Uz compinit && compinit -D
source <(keelway --show-completion zsh)
_arguments() { print -r -- "$@" }
words=(keelway call b) CURRENT=3
$_comps[keelway]
"""


def test_zsh_offers_them_with_what_they_are_for(tmp_path: Path, path: str) -> None:
    done = in_shell("zsh", "-f", tmp_path, IN_ZSH, PATH=path)
    assert '"build":' in done
    assert "Build" in done


def test_fish_offers_them_with_what_they_are_for(tmp_path: Path, path: str) -> None:
    script = "keelway --show-completion fish | source; complete -C 'keelway call b'"
    done = in_shell("fish", "--no-config", tmp_path, script, PATH=path)
    assert "build\t" in done
    assert "Build" in done


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
