"""Modules of this machine, found and loaded."""

import json
import sys
from pathlib import Path

import pytest

from keelway.calling.loading import load_module
from keelway.errors import ConfigError

SOURCE = """
from dagger.mod import Module
module = Module("Greeter")

@module.object_type
class Greeter:
    "Greets."

    @module.function
    def hello(self, name: str = "you") -> str:
        "Greet somebody."
        return f"hello {name}"
"""


def write_module(folder: Path, package: str, *, project: str = "") -> None:
    folder.mkdir(parents=True)
    (folder / "dagger.json").write_text(json.dumps({"name": "greeter", "sdk": "python"}))
    (folder / "pyproject.toml").write_text(project or f'[project]\nname = "{package}"\n')
    (folder / "src" / package).mkdir(parents=True)
    (folder / "src" / package / "__init__.py").write_text(f'"""Says hello."""\n{SOURCE}')


@pytest.fixture(autouse=True)
def own_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])


def test_keelway_s_own_functions_work_on_the_repository_around(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "below").mkdir()
    module = load_module(None, tmp_path / "below")
    assert module.name == "keelway"
    assert module.context == tmp_path
    assert "release" in module.registry.object("Keelway").functions


def test_the_module_in_ci_is_taken_without_being_named(tmp_path: Path) -> None:
    write_module(tmp_path / "ci", "greeter_one")
    module = load_module(None, tmp_path)
    assert module.doc == "Says hello."
    assert list(module.registry.object("Greeter").functions) == ["hello"]


def test_an_entry_point_names_the_main_object(tmp_path: Path) -> None:
    entry = '[project.entry-points."dagger.mod"]\nmain_object = "greeter_two:Greeter"\n'
    write_module(tmp_path / "m", "greeter_two", project=f'[project]\nname = "other"\n{entry}')
    assert load_module("m", tmp_path).registry.main == "Greeter"


@pytest.mark.parametrize(
    ("files", "given", "said"),
    [
        ({}, "nowhere", "there is no Dagger module"),
        ({"m/dagger.json": "{"}, "m", "it cannot be read"),
        ({"m/dagger.json": "{}"}, "m", "it names no module"),
        (
            {"m/dagger.json": '{"name": "m", "sdk": {"source": "go"}}'},
            "m",
            "the module's SDK is 'go'",
        ),
        (
            {"m/dagger.json": '{"name": "not-there", "sdk": "python"}'},
            "m",
            "not_there with its class NotThere cannot be loaded: ModuleNotFoundError",
        ),
        ({}, "https://example.org/m", "only a module of this machine can be called"),
    ],
)
def test_what_is_no_module_is_refused(
    tmp_path: Path, files: dict[str, str], given: str, said: str
) -> None:
    for name, text in files.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_module(given, tmp_path)
    assert said in caught.value.diagnostics()
    assert "next: " in caught.value.diagnostics()
