"""Generated pipelines, carried out: by a runner of that CI, or its scripts in its environment.

Not run here: actions of others (checkout, Python, caches, uploads), which stand-ins take the place
of; the installation of what every machine that runs these tests has; keyless signing; and opening
pull requests with new base images.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.support.ci_runners import act, ci_environment, gitlab
from tests.support.ci_scripts import groovy_scripts
from tests.support.missing import root_only
from tests.support.node import installed
from tests.support.projects import Project
from tests.support.registry import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.registry import Registry

CONFIG = """\
[project]
name = "sample"

[images.app]
platforms = ["linux/amd64"]

[tags]
rules = ["type=ref,event=branch", "type=ref,event=tag"]
default_branch = "main"

[[registries]]
url = "{registry}/{repository}"
username = "ci"
password = "env://REGISTRY_TOKEN"

[policy]
enabled = false
[scan]
enabled = false
[sbom]
enabled = false
"""
SECRET = {"REGISTRY_TOKEN": PASSWORD}
EVERY_CI = (
    "github", "gitlab", "jenkins", "circleci", "azure", "bitbucket", "buildkite", "woodpecker",
    "drone",
)  # fmt: skip


@pytest.fixture
def shop(tmp_path: Path, store: Path, closed_registry: Registry, repository: str) -> Project:
    """A committed project with the pipelines of every CI; its registry asks for a password."""
    root_only("hosted machines let a job become root, and the scripts do")
    made = Project(folder=tmp_path / "project", environment={"KEELWAY_STORE": str(store)})
    config = CONFIG.format(registry=closed_registry.address, repository=repository)
    files = {"keelway.toml": config, "Dockerfile": "FROM scratch\nCOPY name.txt /\n"}
    made.write({**files, "name.txt": "world\n"})
    done = made.keelway("init", "ci", *EVERY_CI)
    assert done.code == 0, done.text()
    made.commit()
    return made


def image(repository: str, tag: str = "main") -> str:
    return f"{repository}/app:{tag}"


def head(project: Project) -> str:
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=project.folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_github_releases_a_push_once_each_platform_was_proved(
    shop: Project, closed_registry: Registry, repository: str
) -> None:
    payload = {"ref": "refs/heads/main", "repository": {"default_branch": "main"}}
    done = act(shop, "push", payload, "release", **SECRET)
    assert done.code == 0, done.text()
    assert closed_registry.has(image(repository))

    native, release = (
        json.loads((shop.folder.parent / "kept" / name / "report.json").read_text())
        for name in ("keelway-build-app-linux-amd64", "keelway")
    )
    assert native["published"] is None
    assert [one["name"] for one in release["published"]] == ["app"]
    for action in ("setup-python", "upload-artifact"):
        assert f"stand-in for actions/{action}" in done.out
    # What publishes does not read a cache that other jobs write.
    assert re.search(r"^\[build app.*\| stand-in for actions/cache$", done.out, re.MULTILINE)
    assert not re.search(r"^\[Release.*\| stand-in for actions/cache$", done.out, re.MULTILINE)
    # keelway's own summary, for the run's page.
    assert re.search(rf"Summary - (.*\n)+.*{repository}/app", done.out)


def test_github_publishes_nothing_of_a_fork(
    shop: Project, closed_registry: Registry, repository: str
) -> None:
    side: dict[str, Any] = {"ref": "topic", "sha": head(shop), "repo": {"full_name": "eve/shop"}}
    base = {"ref": "main", "repo": {"full_name": "acme/shop"}}
    payload = {"number": 15, "pull_request": {"number": 15, "head": side, "base": base}}
    done = act(shop, "pull_request", payload, "verify", **SECRET)
    assert done.code == 0, done.text()
    report = json.loads((shop.folder.parent / "kept" / "keelway" / "report.json").read_text())
    assert report["published"] is None
    assert not closed_registry.has(image(repository))


@pytest.fixture
def assembled(shop: Project) -> Project:
    """The same, of two platforms, each proved on a machine of its own."""
    config = (shop.folder / "keelway.toml").read_text()
    config = config.replace('["linux/amd64"]', '["linux/amd64", "linux/arm64"]')
    (shop.folder / "keelway.toml").write_text(f"{config}\n[ci]\nassemble = true\n")
    done = shop.keelway("init", "ci", "github", "gitlab")
    assert done.code == 0, done.text()
    shop.commit()
    return shop


def look_at(index: dict[str, Any], report: dict[str, Any]) -> None:
    """See that both platforms are released, and that the release built neither."""
    platforms = [one["platform"]["architecture"] for one in index["manifests"]]
    assert platforms == ["amd64", "arm64"]
    stages = [stage["name"] for stage in report["stages"]]
    assert "proof" in stages
    assert "build" not in stages


def test_github_puts_together_what_each_machine_proved(
    assembled: Project, closed_registry: Registry, repository: str
) -> None:
    payload = {"ref": "refs/heads/main", "repository": {"default_branch": "main"}}
    done = act(assembled, "push", payload, "release", **SECRET)
    assert done.code == 0, done.text()
    report = json.loads((assembled.folder.parent / "kept/keelway/report.json").read_text())
    look_at(closed_registry.manifest(image(repository))[1], report)


def test_gitlab_releases_a_push_out_of_what_each_machine_proved(
    assembled: Project, closed_registry: Registry, repository: str, request: pytest.FixtureRequest
) -> None:
    packages = installed(Path(__file__).parent / "gitlab" / "package-lock.json", request.config)
    jobs = ("keelway-native", "keelway-release")
    done = gitlab(assembled, packages, *jobs, CI_PIPELINE_SOURCE="push", **SECRET)
    assert done.code == 0, done.text()
    # The job's artifacts come back.
    look_at(closed_registry.manifest(image(repository))[1], assembled.report())


def jenkins(folder: Path) -> list[str]:
    return list(groovy_scripts((folder / "vars" / "keelway.groovy").read_text()))


DELIVERS = "<< parameters.deliver >>"


def read(folder: Path, path: str) -> Any:
    return yaml.safe_load((folder / path).read_text())


def circleci(folder: Path, deliver: str = "true") -> list[str]:
    steps = read(folder, ".circleci/config.yml")["commands"]["keelway"]["steps"]
    scripts = [step["run"]["command"] for step in steps if "run" in step]
    return [
        script.replace("<< parameters.command >>", "release").replace(DELIVERS, deliver)
        for script in scripts
    ]


def azure(folder: Path) -> list[str]:
    jobs = read(folder, "azure-pipelines.yml")["jobs"]
    release = next(job for job in jobs if job["job"] == "release")
    return [step["bash"] for step in release["steps"] if "bash" in step]


def bitbucket(folder: Path) -> list[str]:
    (release,) = read(folder, "bitbucket-pipelines.yml")["pipelines"]["branches"]["main"]
    return [*release["step"]["script"], *release["step"]["after-script"]]


def named(path: str, key: str, what: str) -> Callable[[Path], list[str]]:
    """Return what finds the scripts of the step that releases."""

    def found(folder: Path) -> list[str]:
        steps = read(folder, path)["steps"]
        script = next(step[what] for step in steps if step[key] == "release")
        return script if isinstance(script, list) else [script.replace("$$", "$")]

    return found


# What each says of a push to main, as in its documentation; COMMIT is the commit's name.
ENVIRONMENTS: dict[str, tuple[Callable[[Path], list[str]], dict[str, str]]] = {
    "jenkins": (
        jenkins,
        {
            "JENKINS_URL": "https://ci.example.com/",
            "BRANCH_NAME": "main",
            "GIT_COMMIT": "COMMIT",
            "KEELWAY_COMMAND": "release",  # The step sets it, from its argument.
        },
    ),
    "circleci": (
        circleci,
        {"CIRCLECI": "true", "CIRCLE_SHA1": "COMMIT", "CIRCLE_BRANCH": "main"},
    ),
    "azure": (
        azure,
        {
            "TF_BUILD": "True",
            "BUILD_REASON": "IndividualCI",
            "BUILD_SOURCEVERSION": "COMMIT",
            "BUILD_SOURCEBRANCH": "refs/heads/main",
        },
    ),
    "bitbucket": (
        bitbucket,
        {
            "BITBUCKET_BUILD_NUMBER": "7",
            "BITBUCKET_COMMIT": "COMMIT",
            "BITBUCKET_BRANCH": "main",
        },
    ),
    "buildkite": (
        named(".buildkite/pipeline.yml", "label", "command"),
        {
            "BUILDKITE": "true",
            "BUILDKITE_COMMIT": "COMMIT",
            "BUILDKITE_BRANCH": "main",
            "BUILDKITE_PULL_REQUEST": "false",
        },
    ),
    "woodpecker": (
        named(".woodpecker/keelway.yaml", "name", "commands"),
        {
            "CI": "woodpecker",
            "CI_COMMIT_SHA": "COMMIT",
            "CI_PIPELINE_EVENT": "push",
            "CI_COMMIT_BRANCH": "main",
        },
    ),
    "drone": (
        named(".drone.yml", "name", "commands"),
        {
            "DRONE": "true",
            "DRONE_COMMIT_SHA": "COMMIT",
            "DRONE_BUILD_EVENT": "push",
            "DRONE_COMMIT_BRANCH": "main",
        },
    ),
}


def run_scripts(project: Project, name: str, instead: str) -> str:
    """Run the scripts of the job that releases; what `keelway release` is replaced by is said."""
    find, _ = ENVIRONMENTS[name]
    said = ""
    for script in find(project.folder):
        said += run_script(project, name, script, instead)
    return said


def run_script(project: Project, name: str, script: str, instead: str) -> str:
    """Run one of them in that CI's environment."""
    _, told = ENVIRONMENTS[name]
    sha = head(project)
    environment = {key: value.replace("COMMIT", sha) for key, value in told.items()}
    environment = {key: value.replace("release", instead) for key, value in environment.items()}
    done = subprocess.run(
        [
            "bash" if name == "azure" else "sh",
            "-c",
            script.replace("keelway release", f"keelway {instead}"),
        ],
        cwd=project.folder,
        env=ci_environment(project, **environment, **SECRET),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def test_jenkins_releases_a_push(shop: Project, closed_registry: Registry, repository: str) -> None:
    run_scripts(shop, "jenkins", "release")
    assert closed_registry.has(image(repository))
    assert [one["name"] for one in shop.report()["published"]] == ["app"]


def test_elsewhere_the_job_plans_to_publish_in_its_own_environment(
    shop: Project, repository: str
) -> None:
    """The whole script, but `keelway plan` in the place of `keelway release`: that takes long."""
    for name, (_, told) in ENVIRONMENTS.items():
        said = run_scripts(shop, name, "plan")
        assert re.search(r"ci +\w", said), (name, told)
        assert f"{repository}/app:main\n" in said, name
        assert re.search(r"publish\n +tags +main\n", said), name
        assert changes(shop) == "", f"{name} makes the commit look changed"


def test_jobs_take_over_what_was_cached_and_leave_a_cache(shop: Project) -> None:
    """On CircleCI what delivers does neither; Azure parts caches by branch itself."""
    run_scripts(shop, "circleci", "plan")
    cache = shop.folder / ".cache" / "keelway-engine" / "index.json"
    assert not cache.exists()
    for name, scripts in {
        "circleci": circleci(shop.folder, deliver="false"),
        "azure": azure(shop.folder),
    }.items():
        run = "".join(script for script in scripts if "KEELWAY_CACHE_FROM" in script)
        assert ": took " not in run_script(shop, name, run, "build"), name
        assert cache.exists(), name
        assert ": took " in run_script(shop, name, run, "build"), name
        shutil.rmtree(cache.parent)


def changes(project: Project) -> str:
    words = ["git", "status", "--porcelain"]
    done = subprocess.run(words, cwd=project.folder, capture_output=True, text=True, check=True)
    return done.stdout
