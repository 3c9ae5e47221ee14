"""The main job with its real neighbours: registry, engine, Trivy, Syft."""

from __future__ import annotations

import hashlib
import json
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagger
import pytest

from tests.integration.conftest import make_project
from tests.support.engines import Engine, Kind, sdk_session
from tests.support.missing import need_emulator

if TYPE_CHECKING:
    from tests.support.projects import Project
    from tests.support.registry import Registry
    from tests.support.sample_images import SampleImages

pytestmark = [pytest.mark.usefixtures("scanners"), pytest.mark.emulated]


@pytest.fixture(scope="module")
def where() -> str:
    """The repository prefix of what was released."""
    return f"integration/{secrets.token_hex(6)}"


@pytest.fixture(scope="module")
def released(
    tmp_path_factory: pytest.TempPathFactory,
    store: Path,
    registry: Registry,
    samples: SampleImages,
    where: str,
) -> Project:
    """The project after a release."""
    need_emulator()
    folder = tmp_path_factory.mktemp("released") / "project"
    project = make_project(folder, store, registry, samples, where)
    done = project.keelway("release", "--engine", "local")
    assert done.code == 0, done.text()
    return project


def test_release_publishes_one_index_under_all_tags(
    released: Project, registry: Registry, where: str
) -> None:
    report = released.report()
    assert (report["outcome"], report["exit_code"]) == ("ok", 0)
    digest, index = registry.manifest(f"{where}/app:test")
    platforms = [
        f"{one['platform']['os']}/{one['platform']['architecture']}" for one in index["manifests"]
    ]
    assert platforms == ["linux/amd64", "linux/arm64"]
    (published,) = report["published"]
    assert published["digest"] == digest
    assert len(published["references"]) == 2
    for reference in published["references"]:
        assert registry.manifest(reference)[0] == digest


@pytest.mark.usefixtures("released")
async def test_published_image_runs_on_both_platforms(
    store: Path, registry: Registry, where: str
) -> None:
    program = Path(sys.executable).parent / "keelway-engine"
    engine = Engine(
        kind=Kind.LOCAL, program=program, environment={"KEELWAY_STORE": str(store.parent / "read")}
    )
    said: list[str] = []
    async with sdk_session(engine) as client:
        for name in ("amd64", "arm64"):
            pulled = client.container(platform=dagger.Platform(f"linux/{name}"))
            pulled = pulled.from_(f"{registry.address}/{where}/app:test")
            said.append(await pulled.with_exec([], use_entrypoint=True).stdout())
            assert await pulled.user() == "app"
    assert said == ["hello world from x86_64\n", "hello world from aarch64\n"]


def test_reports_of_the_tools_are_kept_and_true(
    released: Project, registry: Registry, where: str
) -> None:
    folder = released.folder / ".keelway"
    report = released.report()
    for target in report["scan"]["targets"]:
        found = json.loads((folder / target["report"]).read_text())
        assert found["Metadata"]["ImageID"] == target["image_id"]
    _, index = registry.manifest(f"{where}/app:test")
    pushed = {one["digest"] for one in index["manifests"]}
    assert {one["subject"] for one in report["sbom"]["documents"]} == pushed
    assert {(one["platform"], one["format"]) for one in report["sbom"]["documents"]} == {
        (platform, form)
        for platform in ("linux/amd64", "linux/arm64")
        for form in ("spdx-json", "cyclonedx-json")
    }
    for one in report["sbom"]["documents"]:
        data = (folder / one["path"]).read_bytes()
        assert f"sha256:{hashlib.sha256(data).hexdigest()}" == one["sha256"]
        document = json.loads(data)
        assert document.get("bomFormat") == "CycloneDX" or document["spdxVersion"] == "SPDX-2.3"
    look_at_pages(released, report)


def look_at_pages(released: Project, report: dict[str, Any]) -> None:
    """Check what people see of a release."""
    assert {path.name for path in released.reports()} == {"report.json", "report.html", "report.md"}
    for measure in report["policy"]["measures"]:
        made = [layer["created_by"] for layer in measure["by_layer"]]
        assert sum(layer["size_bytes"] for layer in measure["by_layer"]) == measure["size_bytes"]
        assert made[-1] == "COPY --from=build /work/said.txt /srv/said.txt"
        digests = {layer["digest"] for layer in measure["by_layer"]}
        assert len(digests) == measure["layers"]
    assert report["commit"]["sha"].startswith(report["tags"][1].removeprefix("sha-"))
    assert {one["tag"] for one in report["tag_rules"]} == set(report["tags"])
    items = {stage["name"]: {item["name"] for item in stage["items"]} for stage in report["stages"]}
    for stage in ("build", "policy", "scan", "sbom"):
        assert items[stage] == {"app (linux/amd64)", "app (linux/arm64)"}, stage
    assert report["timings"]["steps"]
    page = (released.folder / ".keelway" / "report.html").read_text()
    assert "COPY --from=build /work/said.txt" in page
    assert report["published"][0]["digest"] in page
    again = released.keelway("report", "--format", "html", "--to", "-")
    assert again.out == page


def test_scanned_image_is_the_published_one(
    released: Project, registry: Registry, where: str
) -> None:
    _, index = registry.manifest(f"{where}/app:test")
    configs = set()
    for one in index["manifests"]:
        _, manifest = registry.manifest(f"{where}/app@{one['digest']}")
        configs.add(manifest["config"]["digest"])
    assert {one["image_id"] for one in released.report()["scan"]["targets"]} == configs


def test_without_publishing_nothing_leaves_the_machine(
    project: Project, registry: Registry, repository: str
) -> None:
    done = project.keelway("release", "--engine", "local", "--no-publish")
    assert done.code == 0, done.text()
    report = project.report()
    assert report["published"] is None
    assert {one["name"]: one["reason"] for one in report["stages"]}["publish"]
    assert registry.has(f"{repository}/app:test") is False


def test_found_secret_stops_the_release_before_anything_is_published(
    project: Project, registry: Registry, repository: str
) -> None:
    key = "AKIA" + "IOSFODNN7ABCDEFG"
    text = (project.folder / "Dockerfile").read_text()
    leak = f"RUN echo 'aws_access_key_id = {key}' > /srv/credentials\nUSER app"
    project.write({"Dockerfile": text.replace("USER app", leak)})
    done = project.keelway("release", "--engine", "local")
    assert done.code == 6, done.text()
    assert "/srv/credentials" in done.err
    report = project.report()
    assert (report["outcome"], report["exit_code"]) == ("refused", 6)
    assert report["verdict"]["passed"] is False
    for shown in project.reports():
        assert key not in shown.read_text(), f"{shown.name} is shown around"
    # Whoever has to mend it finds every report on disk.
    assert {one["kind"] for one in report["files"]} >= {
        "junit", "sarif", "gitlab-container-scanning",
    }  # fmt: skip
    kept = [target["report"] for target in report["scan"]["targets"]]
    kept += [one["path"] for one in (*report["sbom"]["documents"], *report["files"])]
    assert len(kept) >= 2 + 4 + 2
    assert [name for name in kept if not (project.folder / ".keelway" / name).stat().st_size] == []
    assert registry.has(f"{repository}/app:test") is False


def test_build_secret_reaches_the_build_and_nothing_else(
    project: Project, registry: Registry, repository: str
) -> None:
    value = f"secret-{repository}"
    config = (project.folder / "keelway.toml").read_text()
    entry = '[[images.app.secrets]]\nid = "token"\nsource = "env://APP_TOKEN"\n\n[tags]'
    text = (project.folder / "Dockerfile").read_text()
    step = "RUN --mount=type=secret,id=token cat /run/secrets/token && wc -c < /run/secrets/token"
    project.write(
        {
            "keelway.toml": config.replace("[tags]", entry),
            "Dockerfile": text.replace("COPY name.txt .", f"{step} > length\nCOPY name.txt ."),
        }
    )
    done = project.keelway("release", "--engine", "local", APP_TOKEN=value)
    assert done.code == 0, done.text()
    assert value not in done.text()
    for shown in project.reports():
        assert value not in shown.read_text(), f"{shown.name} is shown around"
    _, index = registry.manifest(f"{repository}/app:test")
    _, manifest = registry.manifest(f"{repository}/app@{index['manifests'][0]['digest']}")
    config_blob = registry.blob(f"{repository}/app", manifest["config"]["digest"])
    assert value.encode() not in config_blob


@pytest.mark.parametrize("command", ["build", "scan", "sbom"])
def test_single_stages_run_alone(project: Project, command: str) -> None:
    done = project.keelway(command, "--engine", "local")
    assert done.code == 0, done.text()
    assert project.report()["published"] is None


# The last one: what it reports takes the place of what the first one did.
def test_second_release_is_cached_and_gives_the_same_digest(released: Project) -> None:
    first = released.report()
    done = released.keelway("release", "--engine", "local")
    assert done.code == 0, done.text()
    second = released.report()
    assert second["published"][0]["digest"] == first["published"][0]["digest"]
    assert second["steps"]["cached"] > second["steps"]["run"]
    assert "cached" in done.out
