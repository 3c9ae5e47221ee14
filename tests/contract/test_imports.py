"""The import contracts of pyproject.toml: all kept, and each of them able to break."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYPROJECT = ROOT / "pyproject.toml"

VIOLATIONS = [
    ("layers", "model/platform.py", "import keelway.config.root"),
    ("layers", "config/scan.py", "import keelway.facts.git"),
    ("library-without-engine", "session.py", "import keelway.engine.errors"),
    ("engine-without-library", "engine/errors.py", "import keelway.errors"),
    ("engine-without-library", "engine/store/__init__.py", "import dagger"),
    ("engine-without-library", "dockerfile/__init__.py", "import keelway.model.platform"),
    ("stages", "stages/scan.py", "import keelway.stages.build"),
    ("pure", "_tools/trivy.py", "import subprocess"),
    ("pure", "config/loader.py", "import anyio"),
    ("pure-without-sdk", "planning.py", "import dagger"),
    ("engine-layers", "engine/store/__init__.py", "import keelway.engine.run"),
    ("engine-layers", "engine/graph/__init__.py", "import keelway.engine.solve"),
]


def contracts() -> dict[str, str]:
    """Return the names of the contracts by id."""
    linter = tomllib.loads(PYPROJECT.read_text())["tool"]["importlinter"]
    return {contract["id"]: contract["name"] for contract in linter["contracts"]}


def lint(source: Path, *, only: str | None = None) -> subprocess.CompletedProcess[str]:
    """Check the contracts against the package under the directory."""
    program = str(Path(sys.executable).parent / "lint-imports")
    chosen = [] if only is None else ["--contract", only]
    return subprocess.run(
        [program, "--config", str(PYPROJECT), "--no-cache", *chosen],
        cwd=source,
        env={**os.environ, "PYTHONPATH": str(source), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_all_contracts_are_kept() -> None:
    done = lint(ROOT / "pipelines")
    assert done.returncode == 0, done.stdout
    assert f"{len(contracts())} kept, 0 broken" in done.stdout


@pytest.mark.parametrize(("contract", "file", "line"), VIOLATIONS)
def test_a_contract_breaks_when_it_is_violated(
    tmp_path: Path, contract: str, file: str, line: str
) -> None:
    shutil.copytree(
        ROOT / "pipelines", tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.pyc")
    )
    module = tmp_path / "keelway" / file
    module.write_text(f"{module.read_text()}\n{line}\n")
    done = lint(tmp_path, only=contract)
    assert done.returncode == 1, done.stdout
    assert f"{contracts()[contract]} BROKEN" in done.stdout
    assert line.removeprefix("import ") in done.stdout


def test_every_contract_is_tried() -> None:
    assert {contract for contract, _, _ in VIOLATIONS} == set(contracts())
