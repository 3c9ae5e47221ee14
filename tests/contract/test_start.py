"""Commands that need no engine start without what they do not need."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.conftest import Keelway, environment

CONFIG = (
    '[project]\nname = "shop"\n[images.orders]\n[scan]\nenabled = false\n[sbom]\nenabled = false\n'
)

LOADED = """\
import sys
from keelway._cli.program import main
code = main()
loaded = [name for name, module in sys.modules.items() if module is not None]
print(" ".join(sorted({name.partition(".")[0] for name in loaded})), file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.parametrize(
    ("words", "absent"),
    [
        (["--help"], {"dagger", "anyio", "gql", "httpx"}),
        (["schema"], {"dagger", "gql", "httpx"}),
        (["plan"], {"dagger", "gql", "httpx", "rich", "opentelemetry", "typer"}),
        (["plan", "--json"], {"dagger", "gql", "httpx", "rich", "opentelemetry", "typer"}),
        (["plan", "--config", "keelway.toml"], {"dagger", "gql", "httpx", "rich"}),
    ],
)
def test_nothing_heavy_is_loaded(tmp_path: Path, words: list[str], absent: set[str]) -> None:
    (tmp_path / "keelway.toml").write_text(CONFIG)
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *words],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(done.stderr.split()) & absent == set()


NOT_FOR_A_PLAN = (
    "keelway.model.events",
    "keelway.model.published",
    "keelway.model.verdict",
    "keelway._tools.trivy_report",
    "keelway._engines",
)


def test_a_plan_loads_nothing_that_only_running_needs(tmp_path: Path) -> None:
    (tmp_path / "keelway.toml").write_text('[project]\nname = "shop"\n[images.orders]\n')
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    script = LOADED.replace('{name.partition(".")[0] for name in loaded}', "loaded")
    done = subprocess.run(
        [sys.executable, "-c", script, "plan"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "keelway.planning" in done.stderr.split()
    assert set(done.stderr.split()) & set(NOT_FOR_A_PLAN) == set()


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_the_short_way_to_a_plan_ends_as_the_long_one(
    keelway: Keelway, tmp_path: Path, words: list[str]
) -> None:
    short, long = keelway("plan", *words), keelway("plan", "--config", ".", *words)
    assert (short.returncode, long.returncode) == (2, 2), "there is no configuration"
    (tmp_path / "keelway.toml").write_text(CONFIG)
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    short, long = keelway("plan", *words), keelway("plan", "--config", ".", *words)
    assert short.returncode == 0
    assert (short.returncode, short.stdout) == (long.returncode, long.stdout)


def test_the_help_of_every_command_fits_on_a_line(keelway: Keelway) -> None:
    done = keelway("--help", COLUMNS="80")
    assert "  base        Make base images, publish them, and pin them.\n" in done.stdout
    assert "..." not in done.stdout.partition("Commands:")[2]


def test_a_plan_needs_no_engine_and_no_network(keelway: Keelway, tmp_path: Path) -> None:
    (tmp_path / "keelway.toml").write_text(CONFIG)
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    done = keelway("plan", "--json", PATH="/nonexistent")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["skipped"][0] == {
        "part": "scan",
        "reason": "scan.enabled is false",
    }


def test_results_and_nothing_else_go_to_standard_output(keelway: Keelway) -> None:
    done = keelway("schema")
    assert json.loads(done.stdout)["title"] == "keelway.toml"
    assert done.stderr == ""


def test_of_all_that_a_report_consists_of_nothing_is_built_before_it_is_written() -> None:
    script = (
        "from keelway.model.described import sections\n"
        "from keelway.report.document import ReportDocument\n"
        "print([one.__name__ for one in sections(ReportDocument) if one.__pydantic_complete__])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_an_http_client_is_loaded_without_its_command_line() -> None:
    script = (
        "import sys\n"
        "from keelway._cli.program import main\n"
        "sys.argv = ['keelway', '--version']\n"
        "main()\n"
        "import httpx\n"
        "print(httpx.AsyncClient.__name__, 'pygments' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "AsyncClient False"
