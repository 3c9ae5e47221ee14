"""`keelway doctor`: each lack is named with what mends it, and decides the exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.conftest import COMMAND, environment
from tests.support import unprivileged
from tests.support.engines import may_be_unprivileged
from tests.support.missing import missing, root_only

if TYPE_CHECKING:
    from tests.contract.conftest import Keelway

CONFIG = """\
[project]
name = "shop"
[images.shop]
platforms = ["linux/amd64", "linux/arm64"]
"""


def diagnosis(keelway: Keelway, *words: str, **variables: str) -> dict[str, Any]:
    """Return what the doctor says, as data."""
    done = keelway("doctor", "--json", *words, **variables)
    assert "Traceback" not in done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == found["exit_code"]
    found["by_name"] = {check["name"]: check for check in found["checks"]}
    return found


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    (tmp_path / "keelway.toml").write_text(CONFIG)
    return tmp_path


def path_without(folder: Path, *names: str) -> str:
    """Return a PATH that has what this machine has, but for some programs."""
    places = folder / "programs"
    places.mkdir()
    for place in map(Path, os.environ["PATH"].split(":")):
        for program in place.iterdir() if place.is_dir() else ():
            link = places / program.name
            if program.name not in names and not link.is_symlink():
                link.symlink_to(program)
    return str(places)


def test_nothing_is_there(keelway: Keelway) -> None:
    done = keelway("doctor", PATH="/nonexistent")
    assert done.returncode == 4, "without an engine nothing can be built"
    assert "MISSING  crun" in done.stdout
    assert "MISSING  git" in done.stdout
    assert "for: tags, labels, provenance" in done.stdout
    assert "absent   dagger cli" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_a_session_that_is_open_needs_no_local_engine(keelway: Keelway) -> None:
    found = diagnosis(keelway, DAGGER_SESSION_PORT="5000", PATH="/nonexistent")
    assert found["by_name"]["session"]["text"].startswith("taken: DAGGER_SESSION_PORT is set")
    assert found["by_name"]["crun"]["state"] == "absent"
    assert found["exit_code"] == 3, "git is missing"


def test_each_lack_is_named_with_what_needs_it_and_what_mends_it(
    keelway: Keelway, tmp_path: Path
) -> None:
    lacks = {
        "skopeo": "images from and to registries",
        "zstd": "layers compressed by zstd",
        "git": "tags, labels, provenance",
        "mmdebstrap": "keelway base",
    }
    found = diagnosis(keelway, PATH=path_without(tmp_path, *lacks))
    for program, purpose in lacks.items():
        check = found["by_name"][program]
        assert check["state"] != "ok"
        assert check["purpose"] == purpose
        assert check["remedy"].endswith(f"install {program}")
    assert found["exit_code"] == 4, "the local engine needs skopeo"
    own = found["by_name"]["keelway.toml"]
    assert (own["state"], own["remedy"]) == ("absent", "keelway init")


def test_what_the_configuration_asks_for_counts(keelway: Keelway, project: Path) -> None:
    closed = "localhost:1"
    (project / "keelway.toml").write_text(
        CONFIG + f'[[registries]]\nurl = "{closed}/shop"\nusername = "ci"\n'
        'password = "env://NO_SUCH_TOKEN"\n[scan]\ndatabase = "cache"\n'
        'second_opinion = ["grype"]\n'
    )
    metadata = project / "cache" / "db" / "metadata.json"
    metadata.parent.mkdir(parents=True)
    metadata.write_text('{"UpdatedAt": "2020-01-01T00:00:00.123456789Z"}')
    found = diagnosis(keelway, KEELWAY_STORE=str(project / "store"))
    by_name = found["by_name"]
    assert by_name["grype"]["needed"]
    assert by_name[closed]["state"] == "missing"
    assert by_name[closed]["text"].startswith("does not answer")
    assert by_name[f"login {closed}"]["text"] == "configured as ci, and NO_SUCH_TOKEN is not set"
    assert by_name["trivy db"]["state"] == "missing"
    assert "days old" in by_name["trivy db"]["text"]
    assert by_name["trivy db"]["text"].endswith("(at most 7)")
    assert "--download-db-only" in by_name["trivy db"]["remedy"]
    assert by_name["keelway.toml"]["state"] == "missing"
    assert found["exit_code"] in {3, 4}
    assert "by itself" in {by_name["linux/amd64"]["text"], by_name["linux/arm64"]["text"]}
    assert f"GB free at {project / 'store'}" in by_name["disk"]["text"]
    assert by_name["clock"]["state"] == "ok"


def test_a_wrong_configuration_is_named_with_its_line(keelway: Keelway, tmp_path: Path) -> None:
    (tmp_path / "keelway.toml").write_text("[project]\ncolour = 1\n")
    found = diagnosis(keelway)
    assert "keelway.toml:2: project.colour: unknown key" in found["by_name"]["keelway.toml"]["text"]
    assert found["exit_code"] in {2, 3, 4}


def test_without_privileges_the_isolation_and_its_reason_are_said(tmp_path: Path) -> None:
    root_only("an ordinary user has no privileges that can be given up")
    if not may_be_unprivileged():
        missing("root, who can give up privileges to be like root in a container")
    done = subprocess.run(
        [sys.executable, unprivileged.__file__, *COMMAND, "doctor", "--json"],
        cwd=tmp_path,
        env=environment(KEELWAY_STORE=str(tmp_path / "store")),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    by_name = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert by_name["sandbox"]["ok"]
    assert by_name["sandbox"]["text"].startswith("chroot only, so commands are hardly isolated")
    assert "proot" in by_name
    assert "crun" not in by_name, "nothing would start it"
