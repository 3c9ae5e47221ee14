"""Which files are found, and what the project is called."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from keelway.compose.loader import load_project
from keelway.compose.locate import locate
from keelway.errors import ConfigError
from tests.unit.compose.conftest import Load, Refuse, Write

WEB = "services: {web: {image: web}}"


@pytest.mark.parametrize(
    ("there", "found"),
    [
        (["compose.yaml", "compose.yml", "docker-compose.yml"], ["compose.yaml"]),
        (["docker-compose.yaml", "docker-compose.yml"], ["docker-compose.yml"]),
        (
            ["compose.yaml", "compose.override.yaml", "docker-compose.override.yml"],
            ["compose.yaml", "compose.override.yaml"],
        ),
    ],
)
def test_the_usual_files(write: Write, folder: Path, there: list[str], found: list[str]) -> None:
    for name in there:
        write(name, WEB)
    below = folder / "a" / "b"
    below.mkdir(parents=True)
    for start in (folder, below):
        located = locate(start, {})
        assert [file.name for file in located.files] == found
        assert located.folder == folder


@pytest.mark.parametrize(
    "environment",
    [
        {"COMPOSE_FILE": "one.yaml:sub/two.yaml"},
        {"COMPOSE_FILE": "one.yaml,sub/two.yaml", "COMPOSE_PATH_SEPARATOR": ","},
    ],
)
def test_files_from_the_environment(folder: Path, environment: Mapping[str, str]) -> None:
    located = locate(folder, environment)
    assert located.files == (folder / "one.yaml", folder / "sub" / "two.yaml")
    assert located.folder == folder


def test_the_env_file_may_name_the_compose_file_and_the_project(write: Write, folder: Path) -> None:
    write(".env", "COMPOSE_FILE=other.yaml\nCOMPOSE_PROJECT_NAME=named\n")
    write("other.yaml", WEB)
    project = load_project(folder=folder, environment={})
    assert (project.name, project.files) == ("named", (folder / "other.yaml",))


def test_env_files_from_the_environment(write: Write, folder: Path) -> None:
    write("compose.yaml", "services: {web: {image: '$A$B'}}")
    write(".env", "A=usual\nB=usual\n")
    write("x.env", "A=x\n")
    named = {"COMPOSE_ENV_FILES": f"{folder}/x.env"}
    assert load_project(folder=folder, environment=named).services["web"].image == "x"
    without = {"COMPOSE_DISABLE_ENV_FILE": "true", "A": "a"}
    assert load_project(folder=folder, environment=without).services["web"].image == "a"


def test_no_file_says_where_was_looked(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"compose\.yaml: not found from .*shop upwards"):
        locate(folder, {})


def test_a_file_that_is_not_there(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"nope\.yaml: cannot be read: No such file"):
        load_project([folder / "nope.yaml"], environment={})


@pytest.mark.parametrize(
    ("text", "options", "name"),
    [
        (WEB, {}, "shop"),
        (f"name: Other-$TAG\n{WEB}", {}, "other-14"),
        (f"name: other\n{WEB}", {"environment": {"COMPOSE_PROJECT_NAME": "env"}}, "env"),
        (f"name: other\n{WEB}", {"name": "asked"}, "asked"),
    ],
)
def test_the_projects_name(load: Load, text: str, options: Mapping[str, object], name: str) -> None:
    assert load(text, **options).name == name


def test_the_projects_name_is_a_variable_too(load: Load) -> None:
    web = load("name: other\nservices: {web: {image: '${COMPOSE_PROJECT_NAME}-web'}}")
    assert web.services["web"].image == "other-web"


def test_a_name_that_none_can_have(refuse: Refuse) -> None:
    assert "'No Name' cannot name a project" in refuse(WEB, name="No Name")[0]
