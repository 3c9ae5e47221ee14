"""Mistakes in an experiment: each is named by its file, its line and its key."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from keelway.config import load_config
from keelway.errors import ConfigError
from keelway.facts import gather_facts
from keelway.planning import plan_release

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """\
[project]
name = "shop"
[images.orders]
[policy]
enabled = false
[scan]
enabled = false
[sbom]
enabled = false
[[integration.faults]]
name = "hurt"
probe = "http://orders:8080/health"
"""
AT = "keelway.toml:{line}: integration.faults[0].{key}: "
COMPOSE = """\
services:
  orders: {image: orders, depends_on: [gate]}
  gate: {image: gate, depends_on: [db]}
  db: {image: db}
  cache: {image: cache}
  mail: {image: mail, profiles: [mail]}
"""
KILL = 'service = "db"\nfault = "kill"\nexpect = "recovers"\n'
FAULTS = "kill, stop, restart, pause, partition, latency"
SERVICES = "orders, gate, db, cache"


def said(folder: Path, written: str) -> str:
    """Return what is said of a configuration with this experiment."""
    (folder / "keelway.toml").write_text(CONFIG + written)
    (folder / "compose.yaml").write_text(COMPOSE)
    with pytest.raises(ConfigError) as caught:
        planned(folder)
    return caught.value.message


def planned(folder: Path) -> None:
    """Load the configuration and plan."""
    (folder / "Dockerfile").write_text("FROM scratch\n")
    loaded = load_config(folder)
    facts = replace(gather_facts(loaded, {}), programs={"busybox": folder})
    _ = plan_release(loaded.config, facts)


@pytest.mark.parametrize(
    ("lines", "key", "text"),
    [
        ("db kil recovers", "fault", f"'kil' is not one of {FAULTS}. Did you mean 'kill'?"),
        ("db kill fails", "expect", "'fails' is not one of stays-up, degrades, recovers"),
        (
            "gatee kill recovers",
            "service",
            f"the compose file has no service 'gatee'. Known: {SERVICES}. Did you mean 'gate'?",
        ),
        (
            "cache kill recovers",
            "service",
            "orders, which is probed, does not depend on cache: it depends on gate, db",
        ),
        (
            "mail kill recovers",
            "service",
            "no profile switches the service 'mail' on: see integration.profiles",
        ),
        ("db kill recovers duration_s=0.0", "duration_s", ""),
        ("db kill recovers recovers_within_s=-1.0", "recovers_within_s", ""),
        ("db kill recovers latency_ms=5", "latency_ms", "this is for latency, not for kill"),
        (
            "db kill recovers ports=[80]",
            "ports",
            "these are for partition and latency: kill needs none",
        ),
        (
            "db kill recovers degraded_status=503",
            "degraded_status",
            'this is for expect = "degrades", not for "recovers"',
        ),
        (
            "db restart recovers duration_s=2",
            "duration_s",
            "a restart has no duration: `stop` stops a service for some time",
        ),
        (
            "db latency recovers",
            "fault",
            "latency needs latency_ms: how late the answers come",
        ),
        (
            "db latency stays-up latency_ms=2000 probe_timeout_s=2",
            "latency_ms",
            "answers would come 2 s late, and the probe gives up after 2 s",
        ),
        (
            "db latency recovers latency_ms=2000 duration_s=1.5",
            "duration_s",
            "answers would come 2 s late, and the fault is over after 1.5 s",
        ),
        (
            "db latency recovers latency_ms=4000",
            "latency_ms",
            "answers would come 4 s late, and the fault is over after 3 s",
        ),
        (
            "db kill degrades status=503",
            "status",
            "503 is the status both when all is well and when it is degraded",
        ),
        (
            "orders latency recovers latency_ms=9",
            "service",
            "latency is between two services, and the probe asks orders too",
        ),
        (
            "orders kill stays-up",
            "expect",
            'orders is what is probed: hurt itself it can only be "recovers"',
        ),
    ],
)
def test_a_mistake_is_named_by_its_line_and_key(
    tmp_path: Path, lines: str, key: str, text: str
) -> None:
    service, fault, expect, *more = lines.split()
    written = [f'service="{service}"', f'fault="{fault}"', f'expect="{expect}"', *more]
    line = next(n for n, one in enumerate(written, 13) if one.startswith(f"{key}="))
    assert AT.format(line=line, key=key) + text in said(tmp_path, "\n".join(written))


def test_the_probe_asks_a_service_by_http(tmp_path: Path) -> None:
    (tmp_path / "keelway.toml").write_text(CONFIG.replace("http:", "https:") + KILL)
    with pytest.raises(ConfigError, match=r"keelway.toml:12: .*probe: .*write http://SERVICE"):
        load_config(tmp_path)
    unknown = CONFIG.replace("orders:8080", "order:8080")
    (tmp_path / "keelway.toml").write_text(unknown + KILL)
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    with pytest.raises(ConfigError, match=r":12: .*probe: .* no service 'order'.*mean 'orders'"):
        planned(tmp_path)


def test_names_are_unique_and_the_suites_own_is_taken(tmp_path: Path) -> None:
    twice = CONFIG[CONFIG.index("[[") :] + KILL
    assert "'hurt' is there 2 times" in said(tmp_path, KILL + twice)
    suite = '[[integration.suites]]\nname = "faults"\nimage = "x"\n'
    assert "keelway.toml:17: integration.suites[0].name: 'faults' is what" in (
        said(tmp_path, KILL + suite)
    )
