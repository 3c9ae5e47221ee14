"""Every command, snippet and link of the README and of docs/ is accounted for.

A command is run here in a project (what only looks), or taken apart by the program's own command
line, or stands in `ELSEWHERE` with the reason why it is not run here. One that is in none fails.
The tutorial is run as a whole by `tests/integration/test_tutorial.py`, what the pages for importers
show by `tests/integration/test_importers.py`.
"""

from __future__ import annotations

import ast
import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml
from packaging.requirements import Requirement
from typer.testing import CliRunner

import keelway
from keelway._cli.app import program
from keelway.compose.loader import load_project
from keelway.config import load_config
from keelway.config.root import Config
from keelway.dockerfile import parse
from keelway.engine.commands import _parser as engine_parser
from tests.support.docs import ROOT, SHELL, Block, Command, anchors, blocks, commands, links, pages

ELSEWHERE = {
    **dict.fromkeys(
        (".", "cat", "cd", "cp", "echo", "eval", "export", "ls", "mkdir", "rm", "source", "test"),
        "belongs to the reader's shell",
    ),
    "act": "runs a reader's own workflow",
    "apt-get": "installs Debian's packages: scripts/host-tools does",
    "cosign": "needs a signed image: tests/integration/test_attest.py verifies by cosign",
    "curl": "asks a service that the reader has started",
    "dagger": "is Dagger's own program, which this machine need not have",
    "docker": "needs a Docker daemon",
    "git": "changes the reader's own repository",
    "gitlab-ci-local": "runs a reader's own pipeline",
    "node": "runs a reader's own program: tests/integration/test_typescript.py runs one",
    "npm": "installs from a package index",
    "openssl": "makes a secret of the reader's",
    "podman": "needs Podman",
    "psql": "asks a database that the reader has started",
    "python": "runs a reader's own program: tests/integration/test_importers.py runs the examples",
    "python3": "makes a virtual environment: scripts/venv does",
    "trivy": "needs a signed image in a registry",
    "uv": "installs from a package index",
}
"""Programs that pages name and that are not ours, each with the reason why it is not run here."""

ONLY_LOOK = frozenset({"plan", "tags", "schema", "version"})
"""Commands that change nothing and need nothing but a project: these are run."""

RUN_AS_A_WHOLE = frozenset({"docs/tutorial.md"})
"""Pages of which a test types every line."""

FORMS = frozenset({"text", "toml", "yaml", "yml", "python", "json", "dockerfile"}) | SHELL
NOT_CHECKED = frozenset({"groovy", "go", "typescript", "javascript", "diff", "html", "xml", "hcl"})
"""Languages that nothing here reads."""

PROJECT = """\
[project]
name = "shop"
[images.orders]
platforms = ["linux/amd64"]
[scan]
enabled = false
[sbom]
enabled = false
[policy]
enabled = false
"""
_PAGES = [page.relative_to(ROOT).as_posix() for page in pages()]
_MADE = re.compile(r"docs/reference/(api|cli|compose|config)\.md")


def shown(page: str) -> list[Block]:
    return list(blocks(ROOT / page))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that can be planned."""
    (tmp_path / "keelway.toml").write_text(PROJECT)
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    monkeypatch.chdir(tmp_path)


def account(command: Command) -> str:
    """Return how a command is accounted for.

    Raises:
        AssertionError: It is not: unknown, or not as our own command line takes it.
    """
    name, *words = command.words
    name = Path(name).name
    if name == "keelway":
        return ours(command, words)
    if name == "keelway-engine":
        engine(command, words)
        return "parsed"
    if name == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        for word in words:
            assert "=" in word or word in targets, f"{command}: the Makefile has no {word}"
        return "parsed"
    if name in {"pip", "pip3"} or words[:2] == ["-m", "pip"]:
        requirements(command, words)
        return "parsed"
    assert name in ELSEWHERE, (
        f"{command}: nothing accounts for this command. Run it in a test, or add {name!r} to "
        "ELSEWHERE with the reason why it is not run"
    )
    return "elsewhere"


def ours(command: Command, words: list[str]) -> str:
    """Run what only looks; let the command line take the others apart."""
    if words[:1] == ["engine"]:
        engine(command, words[1:])
        return "parsed"
    runner = CliRunner()
    elsewhere = {"-c", "--config", "--since", "--changed-since"} & {*words}
    if words[:1] and words[0] in ONLY_LOOK and not elsewhere:
        done = runner.invoke(program(), words)
        assert done.exit_code == 0, f"{command}: {done.output}"
        return "run"
    parsed = without_effect(typer.main.get_command(program()))
    # Options of the program itself: no command follows them.
    if words and {*words} <= {name for option in parsed.params for name in option.opts}:
        return "parsed"
    try:
        parsed.main([word for word in words if word != "--help"], "keelway", standalone_mode=False)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it says, it is wrong
        pytest.fail(f"{command}: {error!r}")
    return "parsed"


def without_effect(command: Any) -> Any:
    """Return the command and all below it, which take their words apart and do nothing."""
    command.callback = None
    inner = getattr(command, "commands", None)
    for parameter in command.params:
        parameter.callback = None  # as of --install-completion, which would install it
    for one in (inner or {}).values():
        without_effect(one)
    return command


def engine(command: Command, words: list[str]) -> None:
    try:
        engine_parser().parse_args([word for word in words if word != "--help"] or ["doctor"])
    except SystemExit as error:
        pytest.fail(f"{command}: keelway-engine ends with {error.code}")


def requirements(command: Command, words: list[str]) -> None:
    """What is installed of keelway is there: its extras are those of pyproject.toml."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for word in words:
        if word.startswith("keelway"):
            known = set(extras["optional-dependencies"])
            assert Requirement(word).extras <= known, f"{command}: known extras are {known}"


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("page", _PAGES)
def test_every_command_is_accounted_for(page: str) -> None:
    for block in shown(page):
        for command in commands(block):
            if page not in RUN_AS_A_WHOLE or Path(command.words[0]).name == "keelway":
                account(command)


@pytest.mark.parametrize("page", _PAGES)
def test_every_snippet_is_right(page: str, tmp_path: Path) -> None:
    for block in shown(page):
        assert block.language in FORMS | NOT_CHECKED, f"{block}: unknown language"
        try:
            check(block, tmp_path)
        except Exception as error:
            error.add_note(f"in {block}")
            raise


def check(block: Block, folder: Path) -> None:
    match block.language:
        case "toml":
            check_toml(block.text, folder)
        case "yaml" | "yml":
            check_yaml(block.text, folder)
        case "python" if not _MADE.fullmatch(block.page):
            check_python(block.text)
        case "json":
            json.loads(block.text)
        case "dockerfile":
            parse(block.text)
        case _:
            pass


def check_toml(text: str, folder: Path) -> None:
    """A part of keelway.toml is loaded, with what every configuration must have beside it."""
    data = tomllib.loads(text)
    named = re.match(r"# (\S+\.toml)", text)
    if named is not None and named[1] != "keelway.toml":
        return
    assert set(data) <= set(Config.model_fields), f"no keys of keelway.toml: {set(data)}"
    for key, least in (("project", '[project]\nname = "docs"'), ("images", "[images.docs]")):
        text += "" if key in data else f"\n{least}\n"
    (folder / "keelway.toml").write_text(text)
    load_config(folder)


def check_yaml(text: str, folder: Path) -> None:
    for document in yaml.safe_load_all(text):
        if isinstance(document, dict) and isinstance(document.get("services"), dict):
            file = folder / "compose.yaml"
            file.write_text(text)
            load_project([file], environment={})


def check_python(text: str) -> None:
    """It compiles, and what it takes of keelway is public."""
    tree = compile(text, "snippet", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            assert node.value.id not in {"kw", "keelway"} or node.attr in keelway.__all__, node.attr
        if isinstance(node, ast.ImportFrom) and node.module == "keelway":
            assert {one.name for one in node.names} <= set(keelway.__all__)


@pytest.mark.parametrize("page", _PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    for target in links(ROOT / page):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        assert file.exists(), f"{page}: {target}: there is no such file"
        line = re.fullmatch(r"L([0-9]+)", anchor)
        if line is not None and file.suffix != ".md":
            lines = len(file.read_text().splitlines())
            assert int(line[1]) <= lines, f"{page}: {target}: it has {lines} lines"
        elif anchor:
            assert anchor in anchors(file), f"{page}: {target}: no such heading"


def test_the_index_leads_to_each_of_the_four_kinds() -> None:
    index = ROOT / "docs" / "README.md"
    found = {(index.parent / target).resolve() for target in links(index)}
    kinds = ["tutorial.md", "reference/README.md", "how-to/adopt-keelway.md", "adr/README.md"]
    explained = sorted((ROOT / "docs" / "explanation").glob("*.md"))
    assert explained
    assert {index.parent / kind for kind in kinds} | set(explained) <= found


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("A=1 keelway plan >plan.txt  # a comment", ["keelway plan"]),
        ("if keelway plan; then keelway tags; fi", ["keelway plan", "keelway tags"]),
        ("for one in a b; do keelway plan; done", ["keelway plan"]),
        ("cd x && keelway tags | cat", ["cd x", "keelway tags", "cat"]),
        ("cat >a <<'END'\nkeelway nonsense\nEND\nkeelway plan", ["cat", "keelway plan"]),
        ("keelway plan \\\n  --json", ["keelway plan --json"]),
    ],
)  # fmt: skip
def test_commands_are_found(line: str, words: list[str]) -> None:
    block = Block(page="x.md", line=1, language="sh", file="", text=line)
    assert [shlex.join(command.words) for command in commands(block)] == words


@pytest.mark.parametrize(
    "line", ["keelway release --no-such-option", "keelway --no-such-option", "frobnicate now",
             "keelway no-such-command", "keelway verify", "keelway release --engine nonsense",
             "make no-such-target", "pip install 'keelway[nonsense]'", "keelway engine nonsense"],
)  # fmt: skip
@pytest.mark.usefixtures("project")
def test_a_command_that_is_wrong_is_found(line: str) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        account(Command(place="x.md:1", words=tuple(shlex.split(line))))
