"""`keelway init`: what is written, and what is left as it is."""

import json
from pathlib import Path

import pytest

from tests.contract.conftest import Keelway

DOCKERFILE = "FROM scratch\nCOPY hello.txt /\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    (tmp_path / "hello.txt").write_text("hello\n")
    (tmp_path / ".dockerignore").write_text(".keelway\n")
    return tmp_path


def test_a_folder_with_a_dockerfile_can_be_planned_with(keelway: Keelway, folder: Path) -> None:
    done = keelway("init")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("wrote keelway.toml\n")
    assert "next: `keelway plan` shows what will be done" in done.stdout
    planned = keelway("plan")
    assert planned.returncode == 0, planned.stderr
    assert "no registry is configured" in planned.stdout
    again = keelway("init")
    assert again.returncode == 0
    assert "keelway.toml is as it should be: nothing to do" in again.stdout
    assert [one.name for one in folder.glob(".keelway.toml*")] == []


def test_another_configuration_is_left_and_the_difference_shown(
    keelway: Keelway, folder: Path
) -> None:
    own = '[project]\nname = "mine"\n[images.mine]\n'
    (folder / "keelway.toml").write_text(own)
    done = keelway("init")
    assert done.returncode == 2
    assert '-name = "mine"\n' in done.stdout
    assert "error: keelway.toml: is there already and says something else" in done.stderr
    assert "next: take over by hand what you want of the difference" in done.stderr
    assert (folder / "keelway.toml").read_text() == own
    forced = keelway("init", "--force", "--json")
    assert forced.returncode == 0
    assert '-name = "mine"' in json.loads(forced.stdout)["difference"]
    assert "mine" not in (folder / "keelway.toml").read_text()


def test_only_looking_writes_nothing(keelway: Keelway, folder: Path) -> None:
    before = sorted(folder.iterdir())
    done = keelway("init", "--dry-run")
    assert done.returncode == 0
    assert done.stdout.startswith("# What keelway releases.")
    assert sorted(folder.iterdir()) == before


def test_a_folder_may_be_named_and_options_may_follow_it(keelway: Keelway, folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "Dockerfile").write_text(DOCKERFILE)
    done = keelway("init", "sub", "--json", "--platform", "linux/s390x")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["written"]
    assert document["file"] == str(folder / "sub" / "keelway.toml")
    assert document["images"][0]["platforms"] == ["linux/s390x"]
    assert document["plan"]["possible"]
    assert document["plan"]["skipped"]["publish"] == "no registry is configured"


def test_nothing_to_build_is_an_error_with_the_way_out(keelway: Keelway, tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text("{}")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "Dockerfile").write_text(DOCKERFILE)
    done = keelway("init")
    assert done.returncode == 2
    assert "error: Dockerfile: not found in" in done.stderr
    assert "docs/Dockerfile does not count: it belongs to documentation" in done.stderr
    assert "This looks like JavaScript. Write one, or name the folder" in done.stderr
    assert not (tmp_path / "keelway.toml").exists()


def test_other_bad_words(keelway: Keelway, folder: Path) -> None:
    assert "there is no such folder" in keelway("init", "nowhere").stderr
    unknown = keelway("init", "--platform", "linux/amd46")
    assert unknown.returncode == 3
    assert "did you mean 'linux/amd64'?" in unknown.stderr
    (folder / "pyproject.toml").write_text('[tool.keelway.project]\nname = "x"\n')
    done = keelway("init")
    assert done.returncode == 2
    assert "pyproject.toml: has a [tool.keelway] table already" in done.stderr


def test_what_stands_beside_the_configuration_is_proved_with_it(
    keelway: Keelway, folder: Path
) -> None:
    (folder / "keelway.lock").write_text("[[base]]\n")
    done = keelway("init")
    assert done.returncode == 2
    assert "keelway.lock" in done.stderr
    assert not (folder / "keelway.toml").exists()
