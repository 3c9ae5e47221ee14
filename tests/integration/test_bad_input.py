"""Bad input ends with one clear error, its exit code, a report, and no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.leftovers import traces, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.projects import Outcome, Project
    from tests.support.registry import Registry


START = "import sys; from keelway._cli.program import main; sys.exit(main())"


@pytest.fixture(autouse=True)
def nothing_left(store: Path) -> Iterator[None]:
    """Look after each case for what its engine may have left."""
    yield
    assert wait_until(lambda: not traces(str(store)), seconds=10), traces(str(store))


def change(project: Project, name: str, old: str, new: str) -> None:
    """Replace text in a file of the project, which must have it."""
    text = (project.folder / name).read_text()
    assert old in text
    project.write({name: text.replace(old, new)})


def one_platform(project: Project) -> None:
    """Build for this machine only: these cases end before another platform matters."""
    change(project, "keelway.toml", '["linux/amd64", "linux/arm64"]', '["linux/amd64"]')


def says(done: Outcome, code: int, *words: str) -> None:
    """Check the exit code, that the error says these words, and that it is no traceback."""
    assert done.code == code, done.text()
    assert "error:" in done.err
    for word in words:
        assert word in done.err, done.err
    assert "Traceback" not in done.text()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("platforms =", "platfroms =", (":6: images.app.platfroms", "Did you mean 'platforms'")),
        ('severity = "high"', 'severity = "hihg"', (":20: gate.severity", "high")),
        ('target = "runtime"', "target = 7", (":5: images.app.target", "string")),
        ("type=sha", "type=shaa", ("tags.rules[0]", "shaa")),
        ("[scan]", "[scan", ("keelway.toml:15",)),
    ],
)
def test_wrong_key_or_value_names_file_line_and_key(
    project: Project, old: str, new: str, words: tuple[str, ...]
) -> None:
    change(project, "keelway.toml", old, new)
    says(project.keelway("release"), 2, "keelway.toml", *words)


def test_missing_config_is_named(project: Project) -> None:
    (project.folder / "keelway.toml").unlink()
    says(project.keelway("plan"), 2, "keelway.toml")


def test_unknown_platform_is_a_plan_error(project: Project) -> None:
    change(project, "keelway.toml", "linux/arm64", "linux/amr64")
    says(project.keelway("release"), 3, "linux/amr64", "linux/arm64")


def test_missing_secret_is_a_plan_error_that_names_its_source(project: Project) -> None:
    entry = '[[images.app.secrets]]\nid = "token"\nsource = "env://NOT_SET_HERE"\n\n[tags]'
    change(project, "keelway.toml", "[tags]", entry)
    says(project.keelway("release"), 3, "NOT_SET_HERE")


def test_dockerfile_that_does_not_parse_shows_its_line(project: Project) -> None:
    one_platform(project)
    change(project, "Dockerfile", "WORKDIR", "WORKDIRR")
    says(project.keelway("release"), 5, "Dockerfile:4", "WORKDIRR")
    assert project.report()["exit_code"] == 5


def test_missing_dockerfile_is_named(project: Project) -> None:
    one_platform(project)
    (project.folder / "Dockerfile").unlink()
    done = project.keelway("release")
    assert done.code in {3, 5}
    says(done, done.code, "Dockerfile")


def test_failing_run_tells_step_exit_code_and_tail_of_its_output(project: Project) -> None:
    one_platform(project)
    step = "RUN seq 1 5000; echo the-reason >&2; exit 17"
    change(project, "Dockerfile", "COPY name.txt .", step)
    done = project.keelway("release")
    says(done, 5, "exit code: 17", "exit 17", "the-reason", "5000")
    assert len(done.err) < 20_000
    report = project.report()
    assert (report["outcome"], report["exit_code"]) == ("failed", 5)
    assert report["stages"][0]["status"] == "failed"
    assert "17" in report["error"]["diagnostics"]


def test_unreachable_registry_of_a_base_image_is_named(project: Project) -> None:
    one_platform(project)
    change(project, "Dockerfile", "FROM ${BASE} AS build", "FROM 127.0.0.1:1/none:1 AS build")
    says(project.keelway("release"), 5, "127.0.0.1:1")


def test_unreachable_registry_to_publish_to_is_named_and_the_rest_is_reported(
    project: Project, registry: Registry, repository: str
) -> None:
    one_platform(project)
    more = '[[registries]]\nurl = "127.0.0.1:1/nobody"\n\n[scan]'
    change(project, "keelway.toml", "[scan]", more)
    says(project.keelway("release"), 5, "127.0.0.1:1/nobody")
    report = project.report()
    assert report["outcome"] == "failed"
    assert report["verdict"]["passed"] is True
    (published,) = report["published"]
    assert all(registry.address in one for one in published["references"])
    assert registry.has(f"{repository}/app:test")


def test_a_fall_back_stands_in_for_a_registry_that_is_down(
    unjudged: Project, registry: Registry, repository: str
) -> None:
    one_platform(unjudged)
    here = f"{registry.address}/{repository}"
    down = f'url = "127.0.0.1:1/nobody"\nfallback = "{here}"'
    change(unjudged, "keelway.toml", f'url = "{here}"', down)
    done = unjudged.keelway("release")
    assert done.code == 0, done.text()
    report = unjudged.report()
    (published,) = report["published"]
    assert all(registry.address in one for one in published["references"])
    assert registry.has(f"{repository}/app:test")
    assert report["missing"]
    assert all("127.0.0.1:1/nobody" in one for one in report["missing"])


def test_missing_tool_is_named_with_its_package(project: Project, tmp_path: Path) -> None:
    one_platform(project)
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.symlink_to(Path(sys.executable).resolve())
    paths = [sysconfig.get_paths()["purelib"], str(Path(__file__).parents[2] / "pipelines")]
    done = subprocess.run(
        [str(python), "-c", START, "release"],
        cwd=project.folder,
        env={**os.environ, **project.environment, "PYTHONPATH": ":".join(paths), "PATH": "/bin"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert "trivy" in done.stderr
    assert "keelway[tools]" in done.stderr
    assert "Traceback" not in done.stderr


def test_engine_that_is_not_there_is_a_session_error(project: Project) -> None:
    done = project.keelway("release", "--engine", "dagger", PATH="/bin")
    says(done, 4, "Dagger's CLI", "next:")


def test_store_that_cannot_be_made_is_a_session_error(project: Project) -> None:
    says(project.keelway("release", KEELWAY_STORE="/proc/none"), 4, "/proc/none")


def test_debug_variable_shows_the_traceback(project: Project) -> None:
    one_platform(project)
    change(project, "Dockerfile", "WORKDIR", "WORKDIRR")
    done = project.keelway("build", KEELWAY_DEBUG="1")
    assert done.code == 5
    assert "Traceback" in done.text()
