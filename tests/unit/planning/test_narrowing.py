"""A release of the images that changed: what is built beside them, and what is left out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from keelway._narrowing import narrow
from keelway._stage import SystemClock
from keelway.compose.project import Place, Project, Service
from keelway.config import Config, ImageConfig, ProjectConfig, RegistryConfig
from keelway.facts import Facts
from keelway.loadtest.scripts import ProbeSpec
from keelway.loadtest.spec import LoadSpec
from keelway.model.changes import Cause, Changes, ImageChange
from keelway.model.events import Note, StageSkipped
from keelway.model.outcome import Skipped
from keelway.planning import SkippedPart, plan_release
from keelway.running import _tell_changes
from keelway.stack.spec import SuiteSpec
from keelway.stages.build import BuildSpec, ImageSpec
from keelway.stages.integration import IntegrationSpec

if TYPE_CHECKING:
    from keelway.model.events import Event

BUILD = BuildSpec(images=tuple(ImageSpec(name=name) for name in ("api", "web", "worker")))
NO_TESTS = Skipped("none")
CONFIG = Config(
    project=ProjectConfig(name="shop"),
    images={"api": ImageConfig(), "web": ImageConfig()},
    registries=(RegistryConfig(url="localhost:5000/demo"),),
)
PROGRAMS = {"trivy": Path("/opt/trivy"), "syft": Path("/opt/syft")}


def changes(**changed: bool) -> Changes:
    images = [
        ImageChange(image=name, changed=known, reason=f"{name}/app.py changed" if known else "-")
        for name, known in changed.items()
    ]
    return Changes(since="main", images=tuple(images))


def suite(name: str, *built: str) -> SuiteSpec:
    tests = Service(name="tests", place=Place(file=Path("compose.yaml"), line=1))
    project = Project(name="shop", folder=Path("/shop"), files=(), services={})
    return SuiteSpec(
        name=name, tests=tests, project=project, built={image: image for image in built}
    )


def test_everything_is_built_when_nobody_asked() -> None:
    narrowed = narrow(BUILD, NO_TESTS, NO_TESTS, None)
    assert narrowed.build == BUILD
    assert narrowed.changes is None


def test_only_changed_images_are_built() -> None:
    narrowed = narrow(BUILD, NO_TESTS, NO_TESTS, changes(api=False, web=True, worker=False))
    assert [image.name for image in narrowed.build.images] == ["web"]
    assert narrowed.nothing is None


def test_what_is_tested_together_is_built_together() -> None:
    tests = IntegrationSpec(suites=(suite("both", "api", "web"), suite("alone", "worker")))
    narrowed = narrow(BUILD, tests, NO_TESTS, changes(api=False, web=True, worker=False))
    assert [image.name for image in narrowed.build.images] == ["api", "web"]
    assert isinstance(narrowed.integration, IntegrationSpec)
    assert [one.name for one in narrowed.integration.suites] == ["both"]
    assert narrowed.changes is not None
    reason = "it is tested beside web, which changed"
    assert narrowed.changes.images[0] == ImageChange(
        image="api",
        changed=True,
        reason=reason,
        causes=(Cause(kind="beside", name="web"),),
    )


def test_tests_that_start_nothing_that_changed_are_skipped() -> None:
    tests = IntegrationSpec(suites=(suite("alone", "worker"),))
    load = LoadSpec(test=ProbeSpec(), target="http://worker:8080")
    narrowed = narrow(BUILD, tests, load, changes(api=True, web=False, worker=False))
    assert narrowed.integration == Skipped("no image that the suites start changed since main")
    assert narrowed.load == Skipped("no image that the load test starts changed since main")
    assert [image.name for image in narrowed.build.images] == ["api"]


def test_a_load_test_keeps_its_image() -> None:
    load = LoadSpec(test=ProbeSpec(), target="http://api:8080")
    narrowed = narrow(BUILD, NO_TESTS, load, changes(api=True, web=False, worker=False))
    assert narrowed.load is load


def test_a_plan_says_why_an_image_is_left_out() -> None:
    facts = Facts(programs=PROGRAMS, changes=changes(api=True, web=False))
    plan = plan_release(CONFIG, facts)
    assert [image.name for image in plan.verify.build.images] == ["api"]
    assert plan.skipped()[0] == SkippedPart(part="image web", reason="-")


def test_a_plan_in_which_nothing_changed_does_nothing() -> None:
    facts = Facts(programs=PROGRAMS, changes=changes(api=False, web=False))
    plan = plan_release(CONFIG, facts, without={"publish": "--no-publish was given"})
    nothing = Skipped("no image has an input that changed since main")
    verify = plan.verify
    assert verify.build.images == ()
    assert verify.policy == verify.scan == verify.sbom == verify.integration == nothing
    assert plan.deliver == Skipped("--no-publish was given")


class Heard:
    """An observer that writes down what it hears."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def on(self, event: Event) -> None:
        match event:
            case Note(stage=stage, text=text):
                self.lines.append(f"{stage}: {text}")
            case StageSkipped(stage=stage, reason=reason):
                self.lines.append(f"{stage} skipped: {reason}")
            case _:
                pass


def test_a_run_says_why_each_image_is_built_or_left_out() -> None:
    known = replace(changes(api=True, web=False), note="git is not installed")
    plan = plan_release(CONFIG, Facts(programs=PROGRAMS, changes=known))
    heard = Heard()
    _tell_changes(plan, heard, SystemClock())
    assert heard.lines == [
        "build: git is not installed",
        "build: api is built: api/app.py changed",
        "image web skipped: -",
    ]
