"""From an empty folder with a Dockerfile to a release, by two commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.projects import Project

if TYPE_CHECKING:
    from pathlib import Path


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
