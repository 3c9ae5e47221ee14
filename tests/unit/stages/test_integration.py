"""What is planned of the integration tests, and what cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from keelway.compose.project import Place, Project, Service
from keelway.config import Config, ImageConfig, IntegrationConfig, ProjectConfig, SuiteConfig
from keelway.errors import ConfigError, PlanError
from keelway.facts import Facts
from keelway.model.outcome import Skipped
from keelway.stages.integration import IntegrationSpec, plan_integration

PLACE = Place(file=Path("/shop/compose.yaml"), line=3)


def plan(suite: dict[str, Any] | None, *services: Service, **more: Any) -> Any:
    """Return what is planned for one suite beside these services."""
    suites = () if suite is None else (SuiteConfig(name="api", **suite),)
    config = Config(
        project=ProjectConfig(name="shop"),
        images={"orders": ImageConfig(context="services/orders", build_args={"A": "1"})},
        integration=IntegrationConfig(suites=suites, **more),
    )
    tests = Service(name="tests", place=PLACE, image="tests:1", profiles=("test",))
    project = Project(
        name="shop",
        folder=Path("/shop"),
        files=(),
        services={service.name: service for service in services},
        disabled={"tests": tests},
    )
    programs = {"busybox": Path("/bin/busybox")}
    return plan_integration(config, Facts(root=Path("/shop"), compose=project, programs=programs))


ORDERS = Service(name="web", place=PLACE, image="orders:dev")


def test_without_a_suite_there_is_nothing_to_do() -> None:
    assert plan(None) == Skipped("no integration test suite is configured")
    assert plan({"image": "x"}, enabled=False) == Skipped("integration.enabled is false")


def test_a_service_behind_a_profile_can_be_the_tests() -> None:
    planned = plan({"service": "tests", "command": ("check",)}, ORDERS)
    assert isinstance(planned, IntegrationSpec)
    (suite,) = planned.suites
    assert (suite.tests.name, suite.tests.command) == ("tests", ("check",))
    assert list(suite.project.services) == ["web"]
    assert suite.built == {"web": "orders"}


def test_a_stage_of_an_image_can_be_the_tests() -> None:
    (suite,) = plan({"build": "orders", "target": "checks"}, ORDERS).suites
    build = suite.tests.build
    assert build is not None
    assert (build.context, build.target, build.args) == (
        "/shop/services/orders", "checks", {"A": "1"},
    )  # fmt: skip


def test_the_image_itself_can_be_the_tests() -> None:
    (suite,) = plan({"build": "orders", "command": ("check",)}, ORDERS).suites
    assert suite.built == {"web": "orders", "api": "orders"}


@pytest.mark.parametrize(
    ("suite", "more", "what"),
    [
        ({"service": "test"}, {}, "no service 'test'"),
        ({"image": "x", "services": ("wbe",)}, {}, "no service 'wbe'"),
        ({"build": "order"}, {}, "no image 'order'"),
        ({"image": "x"}, {"images": {"web": "order"}}, "no image 'order'"),
        ({"image": "x"}, {"images": {"wbe": "orders"}}, "no service 'wbe'"),
    ],
)
def test_what_is_not_there_is_named(suite: dict[str, Any], more: dict[str, Any], what: str) -> None:
    with pytest.raises(PlanError, match=what):
        plan(suite, ORDERS, **more)


def test_what_cannot_be_done_is_known_before_anything_is_built() -> None:
    wrong = Service(name="web", place=PLACE, image="x", network_mode="host")
    with pytest.raises(ConfigError, match=r"compose\.yaml:3: services\.web\.network_mode"):
        plan({"image": "x"}, wrong)


def test_notices_of_the_services_are_in_the_plan() -> None:
    less = Service(name="web", place=PLACE, image="x", replicas=2)
    assert plan({"image": "x"}, less).notes == (
        "compose.yaml:3: services.web.deploy.replicas: one is started, not 2",
    )


@pytest.mark.parametrize(
    "suite", [{}, {"image": "x", "service": "y"}, {"image": "x", "target": "t"}]
)
def test_a_suite_has_one_origin(suite: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"exactly one of|needs build"):
        SuiteConfig(name="api", **suite)
