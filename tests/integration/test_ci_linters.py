"""Generated pipelines, read by the linters and the schemas that their users have."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from keelway.ci_templates.pins import CHECKOUT
from tests.support.missing import need
from tests.support.pipelines import ASSEMBLED, FULL, PLAIN, WITHOUT_SECRETS, files

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
# A way to write `uses: ./x` that GitHub took up lately, and other runners do not know yet.
NOT_YET = {"self-repository"}
SCHEMAS = {
    ".github/workflows/keelway.yml": "github-workflows",
    ".github/workflows/keelway-run.yml": "github-workflows",
    ".github/actions/keelway/action.yml": "github-actions",
    ".github/dependabot.yml": "dependabot",
    ".gitlab-ci.yml": "gitlab-ci",
    ".circleci/config.yml": "circle-ci",
    "azure-pipelines.yml": "azure-pipelines",
    "bitbucket-pipelines.yml": "bitbucket-pipelines",
    ".buildkite/pipeline.yml": "buildkite",
    ".woodpecker/keelway.yaml": "woodpecker-ci",
    ".drone.yml": "drone-ci",
    "renovate.json": "renovate",
}


@pytest.fixture(
    params=[PLAIN, WITHOUT_SECRETS, FULL, ASSEMBLED],
    ids=["plain", "without-secrets", "full", "assembled"],
)
def generated(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A repository with all files of a small configuration, and of one that has everything."""
    return written(tmp_path, files(request.param))


def written(folder: Path, texts: Mapping[str, str]) -> Path:
    (folder / ".git").mkdir()
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )


def zizmor(folder: Path) -> set[str]:
    """Return the names of zizmor's findings, without asking GitHub anything."""
    done = run(folder, str(BIN / "zizmor"), "--offline", "--format=json", ".")
    assert done.stdout, done.stderr
    return {finding["ident"] for finding in json.loads(done.stdout)}


def schema(name: str, *paths: Path) -> subprocess.CompletedProcess[str]:
    program = str(BIN / "check-jsonschema")
    # Azure's schema has expressions that are none where Unicode is on.
    azure = ["--data-transform", "azure-pipelines", "--regex-variant", "nonunicode"]
    how = azure if name == "azure-pipelines" else []
    words = [program, "--builtin-schema", f"vendor.{name}", *how, *map(str, paths)]
    return run(Path.cwd(), *words)


def test_actionlint_and_zizmor_have_nothing_to_say(generated: Path) -> None:
    actionlint = run(generated, need("actionlint", package="scripts/go-tools --tests"), "-no-color")
    assert actionlint.returncode == 0, actionlint.stdout
    assert zizmor(generated) <= NOT_YET


def test_they_would_say_it(generated: Path) -> None:
    path = generated / ".github" / "workflows" / "keelway-run.yml"
    path.write_text(
        path.read_text()
        .replace(str(CHECKOUT.pinned), f"{CHECKOUT.name}@v7")
        .replace("  run:\n", "  run:\n    need: nobody\n")
    )
    assert '"need"' in run(generated, need("actionlint", package="go-tools"), "-no-color").stdout
    assert "unpinned-uses" in zizmor(generated)


def test_this_projects_own_workflows(tmp_path: Path) -> None:
    own = {
        str(path.relative_to(ROOT)): path.read_text() for path in (ROOT / ".github").rglob("*.yml")
    }
    folder = written(tmp_path, own)
    actionlint = run(folder, need("actionlint", package="scripts/go-tools --tests"), "-no-color")
    assert actionlint.returncode == 0, actionlint.stdout
    assert zizmor(folder) <= NOT_YET
    current = run(ROOT, sys.executable, "scripts/workflows.py", "--check")
    assert current.returncode == 0, current.stdout + current.stderr
    # Those of the project's own image, where it is released by keelway.
    if ".github/workflows/keelway.yml" in own:
        current = run(ROOT, str(BIN / "keelway"), "init", "ci", "github", "--check")
        assert current.returncode == 0, current.stdout + current.stderr


@pytest.fixture
def full(tmp_path: Path) -> Path:
    """A repository with all files of the configuration that has everything."""
    return written(tmp_path, files(FULL))


def test_every_file_follows_its_schema(full: Path) -> None:
    for name in sorted(set(SCHEMAS.values())):
        done = schema(name, *(full / path for path in SCHEMAS if SCHEMAS[path] == name))
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("text", [FULL, ASSEMBLED], ids=["full", "assembled"])
def test_the_component_of_gitlab_follows_the_schema_in_both_its_parts(
    tmp_path: Path, text: str
) -> None:
    head, _, jobs = files(text, "gitlab")["templates/keelway.yml"].partition("---\n")
    for number, part in enumerate((head, jobs)):
        path = tmp_path / f"{number}.yml"
        path.write_text(part)
        done = schema("gitlab-ci", path)
        assert done.returncode == 0, done.stdout + done.stderr


def test_workflows_that_put_proofs_together_follow_the_schema(tmp_path: Path) -> None:
    folder = written(tmp_path, files(ASSEMBLED, "github"))
    done = schema("github-workflows", *(folder / ".github" / "workflows").iterdir())
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_schema_would_say_it(full: Path) -> None:
    path = full / ".gitlab-ci.yml"
    path.write_text(path.read_text().replace("include:", "stages: 1\ninclude:"))
    assert schema("gitlab-ci", path).returncode == 1
