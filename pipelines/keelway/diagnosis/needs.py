"""Which tools are for what, and which of them the configuration here cannot do without. Pure.

Example:
    >>> [need.tool.name for need in tool_needs(None) if need.needed]
    ['trivy', 'syft']
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway._tools.busybox import BUSYBOX
from keelway._tools.cosign import COSIGN
from keelway._tools.grype import GRYPE
from keelway._tools.hadolint import HADOLINT
from keelway._tools.k6 import K6
from keelway._tools.snyk import SNYK
from keelway._tools.syft import SYFT
from keelway._tools.trivy import TRIVY
from keelway.config import ScanConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway._tools.tool import Tool
    from keelway.config import Config, ToolConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A tool, and what asks for it."""

    tool: Tool
    purpose: str
    needed: bool
    image: str | None = None
    """The image that it comes from, where it is not a program of this machine."""


def tool_needs(config: Config | None) -> tuple[Need, ...]:
    """Return every tool, with what it is for.

    Args:
        config: The configuration; nothing where there is none, and a release by the defaults is
            what counts.
    """
    scan = ScanConfig() if config is None else config.scan
    stack = config is not None and _has_stack(config)
    rows = (
        (TRIVY, "scan", scan.enabled and bool(scan.scanners)),
        (GRYPE, "scan: second_opinion", scan.enabled and "grype" in scan.second_opinion),
        (SNYK, "scan: second_opinion", scan.enabled and "snyk" in scan.second_opinion),
        (SYFT, "sbom", config is None or (config.sbom.enabled and bool(config.sbom.formats))),
        (COSIGN, "sign, attest, verify", config is not None and config.sign.enabled),
        (K6, "load", config is not None and _has_load(config)),
        (BUSYBOX, "policy: starts; integration; load", stack),
        (HADOLINT, "policy: hadolint", False),
    )
    sources: Mapping[str, ToolConfig] = {} if config is None else dict(config.tools)
    return tuple(
        Need(
            tool=tool,
            purpose=purpose,
            needed=needed,
            image=sources[tool.name].image if tool.name in sources else None,
        )
        for tool, purpose, needed in rows
    )


def _has_load(config: Config) -> bool:
    return config.load.enabled and (config.load.script is not None or config.load.probe is not None)


def _has_stack(config: Config) -> bool:
    """Return whether services are started, each by BusyBox."""
    integration = config.integration.enabled and bool(config.integration.suites)
    return integration or _has_load(config)
