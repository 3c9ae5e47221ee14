"""From an empty folder with a Dockerfile to a release, by two commands."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.projects import Project

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.registry import Registry


@pytest.mark.usefixtures("scanners")
def test_init_and_release(tmp_path: Path, store: Path) -> None:
    project = Project(folder=tmp_path / "hello", environment={"KEELWAY_STORE": str(store)})
    project.write({"Dockerfile": 'FROM scratch\nCOPY Dockerfile /\nCMD ["/hello"]\n'})
    begun = project.keelway("init")
    assert begun.code == 0, begun.text()
    released = project.keelway("release")
    assert released.code == 0, released.text()
    assert "skipped    publish: no registry is configured" in released.out
    report = project.report()
    assert report["outcome"] == "ok"
    assert [image["name"] for image in report["images"]] == ["hello"]


def test_the_doctor_asks_the_registries(
    tmp_path: Path, store: Path, registry: Registry, closed_registry: Registry
) -> None:
    nobody = {"KEELWAY_STORE": str(store), "HOME": str(tmp_path), "DOCKER_CONFIG": str(tmp_path)}
    project = Project(folder=tmp_path / "hello", environment=nobody)
    project.write(
        {
            "Dockerfile": "FROM scratch\n",
            "keelway.toml": f"""\
                project.name = "hello"
                images.hello = {{}}
                registries = [
                  {{ url = "{registry.address}/open" }},
                  {{ url = "{closed_registry.address}/closed" }},
                ]
                """,
        }
    )
    said = json.loads(project.keelway("doctor", "--json").out)
    by_name = {check["name"]: check for check in said["checks"]}
    for one in (registry, closed_registry):
        assert by_name[one.address]["ok"], by_name[one.address]
    assert by_name[f"login {registry.address}"]["text"] == "none, and it answers without one"
    closed = by_name[f"login {closed_registry.address}"]
    assert (closed["ok"], closed["text"]) == (False, "there is none on this machine")
    assert closed["remedy"].startswith(f"docker login {closed_registry.address}")
    assert by_name["clock"]["text"].endswith((registry.address, closed_registry.address))
