"""What is asked of the services under load, decided.

Example:
    >>> LoadSpec(test=ProbeSpec(paths=("/health",)), target="http://orders:8080").host
    'orders'
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from keelway.loadtest.compared import RegressionSpec
from keelway.loadtest.scripts import ProbeSpec, ScriptSpec
from keelway.model.reuse import ReuseSpec
from keelway.model.tool import HostTool, ToolSource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.stack.spec import StackSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSpec:
    """What is asked of the services."""

    test: ScriptSpec | ProbeSpec
    """What is run: a script, or so many requests."""
    target: str
    """The service's URL, as k6's container reaches it."""
    beside: StackSpec | None = None
    """The services that are started for it; the image that the target names, alone, when absent."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    """Variables for the script."""
    thresholds: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, "tuple[str, ...]"])
    """By metric; each takes the place of the script's own for that metric."""
    vus: int | None = None
    """Users at once; the script's own number when absent."""
    duration_s: int | None = None
    """Seconds; the script's own when absent."""
    iterations: int | None = None
    """How often the script is run; its own number when absent."""
    timeout_s: int = 600
    """Seconds after which the test is given up."""
    regression: RegressionSpec = RegressionSpec()  # noqa: RUF009 - frozen
    """How much worse than the last release it may be."""
    tool: ToolSource = HostTool(path="k6")  # noqa: RUF009 - frozen
    """Where k6 comes from."""
    reuse: ReuseSpec = ReuseSpec()  # noqa: RUF009 - frozen
    """How long figures that passed count again, where nothing that decides them changed."""
    directory: str = ".keelway"
    """Where the figures of the last release are looked for, and those of this one are kept."""

    def rerunning(self) -> LoadSpec:
        """Return the same, but that nothing is reused."""
        return replace(self, reuse=self.reuse.rerunning())

    @property
    def host(self) -> str:
        """Return the name of the service."""
        return urlsplit(self.target).hostname or ""

    @property
    def shown(self) -> str:
        """Return what the test is called."""
        return self.test.shown if isinstance(self.test, ScriptSpec) else "probe"
