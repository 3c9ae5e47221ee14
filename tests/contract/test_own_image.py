"""This project's own image: `make image` builds it; here only what needs no build is looked at."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from keelway.compose.loader import load_project
from keelway.config import Loaded, Pin, load_config
from keelway.dockerfile import IgnoreFile, parse
from keelway.dockerfile.instructions import Copy
from keelway.facts import gather_facts
from keelway.planning import TOOLS, plan_release
from keelway.policy.dockerfile_rules import broken

ROOT = Path(__file__).parents[2]
DIGEST = "sha256:" + "0" * 64


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    """The configuration, with bases as `keelway base` would pin them."""
    found = load_config(ROOT, ROOT / "keelway.toml")
    pins = {
        name: Pin(reference=f"{base.repository}@{DIGEST}")
        for name, base in found.config.base.items()
    }
    return replace(found, pins=pins)


def test_a_release_of_it_can_be_planned(loaded: Loaded) -> None:
    facts = gather_facts(loaded, {}, ())
    programs = {tool.name: Path("/usr/bin") / tool.name for tool in TOOLS}
    plan = plan_release(loaded.config, replace(facts, programs=programs))
    skipped = {part.part for part in plan.skipped()}
    assert skipped.isdisjoint({"policy", "scan", "sbom", "integration", "publish", "sign"})


def test_its_dockerfile_keeps_the_rules_but_for_those_that_are_off(loaded: Loaded) -> None:
    image = loaded.config.images["keelway"]
    arguments = {name: loaded.pins[base].reference for name, base in image.bases.items()}
    parsed = parse((ROOT / "Dockerfile").read_text())
    hits = broken(parsed, build_args=arguments, target=image.target or "")
    off = loaded.config.policy.images["keelway"].rules
    assert {hit.rule for hit in hits} - {rule for rule, level in off.items() if level == "off"} == (
        set()
    )


def test_its_context_has_what_is_copied_and_nothing_else() -> None:
    ignored = IgnoreFile.parse((ROOT / ".dockerignore").read_text())
    copied = [
        source
        for stage in parse((ROOT / "Dockerfile").read_text()).stages
        for one in stage.instructions
        if isinstance(one, Copy) and not one.from_
        for source in one.sources
    ]
    assert copied
    for source in copied:
        assert (ROOT / source).exists()
        assert not ignored.matches(source), source
    for other in (".git", ".venv", ".keelway", "tests", "keelway.lock"):
        assert ignored.matches(other), other


def test_its_packages_are_pinned_by_hash_and_are_those_of_the_project() -> None:
    pinned = (ROOT / "image" / "requirements.txt").read_text()
    names = set(re.findall(r"^([a-z0-9-]+)==\S+ \\$", pinned, re.MULTILINE))
    assert pinned.count("--hash=sha256:") >= len(names)
    project = (ROOT / "pyproject.toml").read_text()
    sections = project.partition("dependencies = [")[2].partition("[dependency-groups]")[0]
    wanted = {
        re.sub("[-_.]+", "-", name.lower())
        for name in re.findall(r'"([A-Za-z0-9_.-]+)[><=]', sections)
    }
    assert wanted - names == set(), "run `make lock-image`"


def test_its_test_is_a_service_of_a_compose_file(loaded: Loaded) -> None:
    (suite,) = loaded.config.integration.suites
    project = load_project([ROOT / "image" / "compose.yaml"], environment={}, profiles=["test"])
    assert suite.service in project.services
