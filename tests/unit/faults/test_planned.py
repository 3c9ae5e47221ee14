"""What is planned of experiments, and the scripts that carry them out."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from keelway._cli.plan_view import plan_data, plan_text
from keelway.config import load_config
from keelway.errors import PlanError
from keelway.facts import gather_facts
from keelway.faults.script import experiment_script
from keelway.model.outcome import Skipped
from keelway.planning import plan_release
from keelway.stack.relaying import with_relay_script
from keelway.stack.supervise import Supervised, supervisor_script
from keelway.stages.integration import IntegrationSpec

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """\
[project]
name = "shop"
[images.orders]
[integration]
platforms = ["linux/amd64"]
"""
FAULT = """\
[[integration.faults]]
name = "database-slow"
service = "db"
fault = "latency"
latency_ms = 300
probe = "http://orders:8080/health?ready"
expect = "degrades"
unaffected = ["/health"]
"""
COMPOSE = """\
services:
  orders: {image: orders, depends_on: [db], mem_limit: 1g}
  db: {image: db, stop_grace_period: 5s}
  other: {image: other}
"""
OFF = {"policy": "no", "scan": "no", "sbom": "no"}


def planned(folder: Path, *parts: str, **without: str) -> Any:
    """Return the whole plan, with its configuration and its facts."""
    (folder / "keelway.toml").write_text("".join((CONFIG, *parts)))
    (folder / "compose.yaml").write_text(COMPOSE)
    (folder / "Dockerfile").write_text("FROM scratch\n")
    loaded = load_config(folder)
    facts = replace(gather_facts(loaded, {}), programs={"busybox": folder})
    plan: Any = plan_release(loaded.config, facts, without={**OFF, **without})  # type: ignore[dict-item]  # parts by name
    return loaded, facts, plan


def test_an_experiment_has_what_the_probed_service_depends_on(tmp_path: Path) -> None:
    _, _, plan = planned(tmp_path, FAULT)
    spec = plan.verify.integration
    assert isinstance(spec, IntegrationSpec)
    (fault,) = spec.faults
    assert list(fault.beside.chosen()) == ["orders", "db"]
    assert fault.images == ("orders",)
    assert fault.urls == ("http://orders:8080/health?ready", "http://orders:8080/health")
    assert (fault.latency_s, fault.duration_s, fault.degraded_status) == (0.3, 3.0, 503)
    assert any("memory is not limited" in note for note in spec.notes)


def test_the_plan_shows_it(tmp_path: Path) -> None:
    loaded, facts, plan = planned(tmp_path, FAULT)
    data = plan_data(loaded, facts, plan)
    assert data["integration"]["faults"][0]["expect"] == "degrades"
    assert (
        "faults      database-slow: db delayed by 0.3 s for 3 s, "
        "http://orders:8080/health?ready degrades, recovers within 30 s"
    ) in plan_text(data)


def test_only_experiments_are_left_where_nothing_else_is_asked_for(tmp_path: Path) -> None:
    suite = '[[integration.suites]]\nname = "api"\nimage = "x"\n'
    spec = planned(tmp_path, FAULT, suite, suites="only faults")[2].verify.integration
    assert (spec.suites, len(spec.faults)) == ((), 1)
    assert "no test suites: only faults" in spec.notes
    with pytest.raises(PlanError, match="no experiment"):
        planned(tmp_path, suite, suites="only faults")
    with pytest.raises(PlanError, match="no experiment"):
        planned(tmp_path, suites="only faults")
    assert isinstance(planned(tmp_path)[2].verify.integration, Skipped)


def test_the_scripts_are_a_shells(tmp_path: Path) -> None:
    fault = planned(tmp_path, FAULT)[2].verify.integration.faults[0]
    script = experiment_script(fault)
    assert "late=30\n" in script
    assert "inject_limit=3500\n" in script
    assert (
        "ask_all() { ask 0 200 200 'http://orders:8080/health?ready'; "
        "ask 1 200 399 http://orders:8080/health; }"
    ) in script
    relayed = supervisor_script(
        Supervised(
            name="orders",
            command=("serve",),
            names={"db": ("database",), "mail": ()},
            stand_ins={"db": "db-relay"},
        )
    )
    assert "meet db-relay db database; meet mail mail" in relayed
    relay = with_relay_script(fault.beside.project).configs["keelway-relay"].content
    for text in (script, relayed, relay):
        subprocess.run(["sh", "-n"], input=text, text=True, check=True)
