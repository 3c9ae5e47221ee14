"""Config + Facts -> Plan: what is decided, what is left out, what is impossible."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from keelway.config import (
    BaseConfig,
    Config,
    ImageConfig,
    Pin,
    ProjectConfig,
    RegistryConfig,
    ScanConfig,
    TagsConfig,
)
from keelway.errors import PlanError
from keelway.facts import Commit, Facts
from keelway.model.outcome import Skipped
from keelway.planning import DeliverPlan, SkippedPart, plan_release

COMMIT = Commit(
    sha="0123456789abcdef0123456789abcdef01234567",
    committed_at=datetime(2026, 1, 2, tzinfo=UTC),
    branch="main",
)
PROGRAMS = {"trivy": Path("/opt/trivy"), "syft": Path("/opt/syft")}
PINNED = f"localhost:5000/py@sha256:{'0' * 64}"

CONFIG = Config(
    project=ProjectConfig(name="shop", licenses="MIT"),
    images={"orders": ImageConfig(context="orders", build_args={"V": "1"}), "web": ImageConfig()},
    tags=TagsConfig(rules=("type=sha", "type=ref,event=branch", "type=ref,event=tag")),
    registries=(RegistryConfig(url="localhost:5000/demo"), RegistryConfig(url="ghcr.io/acme/")),
    scan=ScanConfig(database="none"),
)
FACTS = Facts(root=Path("/src"), commit=COMMIT, epoch=1_767_312_000, programs=PROGRAMS, paths={})


def test_everything_is_decided() -> None:
    plan = plan_release(CONFIG, FACTS)
    orders, web = plan.verify.build.images
    assert (orders.name, orders.context, dict(orders.build_args)) == (
        "orders",
        "/src/orders",
        {"V": "1"},
    )
    assert web.context == "/src"
    assert orders.labels["org.opencontainers.image.version"] == "main"
    assert orders.labels["org.opencontainers.image.revision"] == COMMIT.sha
    assert orders.labels["org.opencontainers.image.created"] == "2026-01-02T00:00:00Z"
    assert isinstance(plan.deliver, DeliverPlan)
    assert plan.deliver.publish.tags == ("main", "sha-0123456")
    assert [registry.repository("web") for registry in plan.deliver.publish.registries] == [
        "localhost:5000/demo/web",
        "ghcr.io/acme/web",
    ]


def test_what_is_left_out_has_a_reason_in_the_order_of_the_flow() -> None:
    facts = replace(FACTS, programs={**PROGRAMS, "hadolint": Path("/opt/hadolint")})
    assert plan_release(CONFIG, facts).skipped() == (
        SkippedPart(
            part="policy, in part",
            reason="starts: busybox is not installed: install it with `apt install busybox-static`"
            ', or set source = "image" and image = "name@sha256:..." under [tools.busybox]',
        ),
        SkippedPart(
            part="scan, in part",
            reason='vulnerabilities were not looked for: scan.database is "none"',
        ),
        SkippedPart(part="integration", reason="no integration test suite is configured"),
        SkippedPart(
            part="load",
            reason="no load test is configured: load.script and load.probe are absent",
        ),
        SkippedPart(part="sign", reason="sign.enabled is false"),
        SkippedPart(
            part="attest", reason="sign.enabled is false: there is nobody to sign statements"
        ),
        SkippedPart(part="tag by type=ref,event=tag", reason="the commit has no git tag"),
    )


def test_parts_can_be_left_out_whatever_the_configuration_says() -> None:
    plan = plan_release(
        CONFIG, Facts(), without={"scan": "not now", "sbom": "not here", "publish": "not yet"}
    )
    assert [plan.verify.scan, plan.verify.sbom, plan.deliver] == [
        Skipped("not now"),
        Skipped("not here"),
        Skipped("not yet"),
    ]


def test_the_same_input_gives_the_same_plan() -> None:
    assert plan_release(CONFIG, FACTS) == plan_release(CONFIG, FACTS)


def test_nothing_is_published_without_a_name_or_a_place() -> None:
    nowhere = CONFIG.model_copy(update={"registries": ()})
    assert plan_release(nowhere, FACTS).deliver == Skipped("no registry is configured")
    facts = Facts(programs=PROGRAMS)
    unnamed = plan_release(CONFIG, facts).deliver
    assert isinstance(unnamed, Skipped)
    assert "there is no git commit" in unnamed.reason


def test_a_base_is_the_pinned_reference() -> None:
    config = CONFIG.model_copy(
        update={
            "images": {"orders": ImageConfig(bases={"PYTHON_BASE": "py"})},
            "base": {
                "py": BaseConfig(suite="bookworm", packages=("python3",), repository="a.io/py")
            },
        }
    )
    facts = Facts(commit=COMMIT, programs=PROGRAMS, pins={"py": Pin(reference=PINNED)})
    [image] = plan_release(config, facts).verify.build.images
    assert dict(image.build_args) == {"PYTHON_BASE": PINNED}
    with pytest.raises(PlanError) as caught:
        plan_release(config, Facts(programs=PROGRAMS))
    assert "keelway base" in str(caught.value.next_step)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (Facts(), "trivy is not installed"),
        (Facts(programs={"trivy": Path("/opt/trivy")}), "syft is not installed"),
        (Facts(programs=PROGRAMS, paths={"orders": "missing"}), "orders is no directory"),
        (
            Facts(programs=PROGRAMS, paths={"orders/Dockerfile": "missing"}),
            "there is no Dockerfile in orders",
        ),
    ],
)
def test_what_is_impossible_here_is_said_before_anything_runs(facts: Facts, words: str) -> None:
    with pytest.raises(PlanError) as caught:
        plan_release(CONFIG, facts)
    assert words in caught.value.message
    assert caught.value.next_step
