"""`keelway init ci`, as it is typed."""

import subprocess
from pathlib import Path

import pytest

from tests.contract.conftest import COMMAND, Keelway, environment

CONFIG = '[project]\nname = "shop"\n[images.orders]\n'


@pytest.fixture(autouse=True)
def shop(tmp_path: Path) -> Path:
    """A configuration at the top of a repository."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "keelway.toml").write_text(CONFIG)
    return tmp_path


def test_files_are_written_and_kept_and_renewed(keelway: Keelway, shop: Path) -> None:
    done = keelway("init", "ci", "github")
    assert done.returncode == 0, done.stderr
    assert "wrote  .github/workflows/keelway.yml\n" in done.stdout
    assert "wrote  .github/dependabot.yml\n" in done.stdout
    assert keelway("init", "ci", "--check").returncode == 0

    (shop / "keelway.toml").write_text(f'{CONFIG}[ci]\nbranches = ["trunk"]\n')
    shown = keelway("init", "ci", "--diff")
    assert shown.returncode == 1
    assert shown.stdout.startswith(".github/workflows/keelway.yml: out of date\n")
    assert "-      - main\n+      - trunk\n" in shown.stdout
    renewed = keelway("init", "ci").stdout
    assert "wrote  .github/workflows/keelway.yml\n" in renewed
    assert "kept   .github/workflows/keelway-run.yml\n" in renewed


def test_what_somebody_changed_is_shown_and_left(keelway: Keelway, shop: Path) -> None:
    assert keelway("init", "ci", "gitlab").returncode == 0
    path = shop / ".gitlab-ci.yml"
    path.write_text(mine := path.read_text() + "mine:\n  script: [make]\n")
    done = keelway("init", "ci", "gitlab")
    assert done.returncode == 2
    assert "-mine:\n" in done.stdout
    assert "error: .gitlab-ci.yml: is changed by hand" in done.stderr
    assert "--force" in done.stderr
    assert path.read_text() == mine
    assert keelway("init", "ci", "gitlab", "--force").returncode == 0
    assert "mine" not in path.read_text()


def test_an_unknown_ci_is_answered_with_the_one_that_was_meant(keelway: Keelway) -> None:
    done = keelway("init", "ci", "jenkinss")
    assert done.returncode == 2
    assert (
        "'jenkinss' is no CI that pipelines are written for. Did you mean 'jenkins'?" in done.stderr
    )
    assert "name one or more of github, gitlab, jenkins" in done.stderr


def test_without_a_name(keelway: Keelway, shop: Path) -> None:
    (shop / "Jenkinsfile").write_text("pipeline {}\n")
    assert "error: Jenkinsfile: is not written by keelway" in keelway("init", "ci").stderr
    (shop / ".circleci").mkdir()
    assert "more than one CI: Jenkinsfile (Jenkins) and .circleci" in keelway("init", "ci").stderr


def test_without_a_configuration(keelway: Keelway, shop: Path) -> None:
    (shop / "keelway.toml").unlink()
    done = keelway("init", "ci", "github")
    assert done.returncode == 2
    assert "keelway.toml: not found" in done.stderr
    assert not (shop / ".github").exists()


def test_from_a_folder_below(keelway: Keelway, shop: Path) -> None:
    (shop / "services").mkdir()
    (shop / "keelway.toml").rename(shop / "services" / "keelway.toml")
    done = keelway("init", "ci", "github", "--config", "services")
    assert done.returncode == 0, done.stderr
    action = (shop / ".github" / "actions" / "keelway" / "action.yml").read_text()
    assert 'keelway "${words[@]}" --config services' in action
    assert "top of the repository" not in done.stderr


def test_inside_a_folder_below_it_says_where_the_files_are(shop: Path) -> None:
    (shop / "services").mkdir()
    (shop / "keelway.toml").rename(shop / "services" / "keelway.toml")
    done = subprocess.run(
        [*COMMAND, "init", "ci", "github"],
        cwd=shop / "services",
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"these are in {shop}, the top of the repository" in done.stderr
    assert (shop / ".github" / "workflows" / "keelway.yml").is_file()


def test_the_pipeline_of_another_folder_is_left(keelway: Keelway, shop: Path) -> None:
    for name in ("one", "two"):
        (shop / name).mkdir()
        (shop / name / "keelway.toml").write_text((shop / "keelway.toml").read_text())
    assert keelway("init", "ci", "gitlab", "--config", "one").returncode == 0
    before = (shop / ".gitlab-ci.yml").read_text()
    assert "from the configuration in one;" in before
    for other in ("two", "."):
        done = keelway("init", "ci", "gitlab", "--config", other)
        assert done.returncode == 2
        assert ".gitlab-ci.yml: is made from another configuration" in done.stderr
        assert (shop / ".gitlab-ci.yml").read_text() == before
    assert keelway("init", "ci", "gitlab", "--config", "one").returncode == 0
