"""A compose target, decided from configuration and facts. Pure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from keelway._registries import plan_registries
from keelway._secrets import plan_secret
from keelway.deploy.compose_kit import ComposeSpec
from keelway.deploy.site import Pace
from keelway.deploy.target import HostPlace, HostsSpec, SshSpec
from keelway.model.host_address import parse_host

if TYPE_CHECKING:
    from keelway.config import Config
    from keelway.config.deploy_compose import ComposeTarget
    from keelway.facts import Facts


def plan_hosts(name: str, target: ComposeTarget, config: Config, facts: Facts) -> HostsSpec:
    """Return the hosts of a target, and how they are reached.

    Raises:
        PlanError: A secret is missing.
    """
    known = Path(target.known_hosts).expanduser()
    ssh = SshSpec(
        known_hosts=str(facts.root / known),
        key=_secret(target.ssh_key, facts, f"deploy.{name}.ssh_key"),
        key_password=_secret(target.ssh_key_password, facts, f"deploy.{name}.ssh_key_password"),
        connect_timeout_s=target.connect_timeout_s,
    )
    addresses = [parse_host(text) for text in target.hosts]
    return HostsSpec(
        name=name,
        project=config.project.name,
        environment=target.environment or name,
        places=tuple(
            HostPlace(address=one, folder=one.folder or target.folder) for one in addresses
        ),
        ssh=ssh,
        pace=Pace(
            health_timeout_s=target.health_timeout_s,
            drain_s=target.drain_s,
            keep_old_s=target.keep_old_s,
        ),
        keep_releases=target.keep_releases,
        side_by_side=target.side_by_side,
        min_free_bytes=target.min_free_mb * 1024 * 1024,
        lock_expires_s=target.lock_expires_s,
    )


def plan_compose(name: str, target: ComposeTarget, config: Config, facts: Facts) -> ComposeSpec:
    """Return what is put on the hosts of a target.

    Raises:
        PlanError: A secret is missing.
    """
    return ComposeSpec(
        name=name,
        config=target,
        root=facts.root,
        projects=facts.deployed.get(name, {}),
        registries=plan_registries(config, facts),
        secrets={
            key: plan_secret(source, facts, what=f"deploy.{name}.secrets.{key}")
            for key, source in target.secrets.items()
        },
        revision="" if facts.commit is None else facts.commit.sha,
    )


def _secret(source: str | None, facts: Facts, what: str) -> str | None:
    return None if source is None else plan_secret(source, facts, what=what)
