"""What is started together.

Example:
    >>> from pathlib import Path
    >>> from keelway.compose.project import Dependency, Place, Project, Service
    >>> place = Place(file=Path("compose.yaml"), line=1)
    >>> needs = {"db": Dependency(service="db")}
    >>> services = {name: Service(name=name, place=place) for name in ("db", "mail")}
    >>> services["web"] = Service(name="web", place=place, depends_on=needs)
    >>> project = Project(name="shop", folder=Path("/shop"), files=(), services=services)
    >>> list(StackSpec(project=project, services=("web",)).chosen())
    ['db', 'web']
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from keelway.model.tool import HostTool, ToolSource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.compose.project import Project, Service
    from keelway.model.outcome import Skipped
    from keelway.model.platform import Platform

START_LIMIT_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TestCommand:
    """A service whose command are tests: it is started with the others, and comes to an end."""

    __test__: ClassVar[bool] = False
    """pytest takes a class of this name for tests of its own."""

    service: Service
    """The service whose command are the tests."""
    timeout_s: float = 600.0
    """Seconds after which they are given up."""
    results: tuple[str, ...] = ()
    """JUnit files that it writes, as shell patterns relative to its folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSpec:
    """What is started."""

    project: Project
    """The services."""
    services: tuple[str, ...] = ()
    """Only these, and what they depend on; all when empty."""
    built: Mapping[str, str] = field(default_factory=dict[str, str])
    """The image of this build that a service is, by service."""
    platform: Platform | None = None
    """Which of these images; the engine's own platform when absent."""
    tests: TestCommand | None = None
    """The tests among them, where there are any."""
    relays: Mapping[str, tuple[int, ...]] = field(default_factory=dict[str, "tuple[int, ...]"])
    """Services that others reach by a stand-in, so that their network can be cut and delayed: the
    TCP ports of each; those that it declares when empty."""
    start_limit_s: float = START_LIMIT_S
    """How long a service may wait for another one."""
    lasting: Mapping[str, str] = field(default_factory=dict[str, str])
    """Volumes that outlive the run, by key: what the engine calls them."""
    developed: bool = False
    """Whether services take orders, and tell nobody but the board what they write."""
    busybox: ToolSource | Skipped = HostTool(path="busybox")  # noqa: RUF009 - frozen
    """Where BusyBox comes from, which starts and watches the services."""

    def chosen(self) -> dict[str, Service]:
        """Return the services that are started, tests aside."""
        every = self.project.services
        if not self.services:
            tests = None if self.tests is None else self.tests.service.name
            return {name: service for name, service in every.items() if name != tests}
        found: dict[str, Service] = {}
        waiting = list(self.services)
        while waiting:
            name = waiting.pop()
            if name not in found and name in every:
                found[name] = every[name]
                waiting += every[name].depends_on
        return {name: found[name] for name in every if name in found}


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteSpec:
    """One suite, decided."""

    name: str
    """What reports call it."""
    tests: Service
    """Its command are the tests."""
    project: Project
    """The services beside it."""
    services: tuple[str, ...] = ()
    """Which of them are started, with what they depend on; all when empty."""
    built: Mapping[str, str] = field(default_factory=dict[str, str])
    """Which service is which image of this build."""
    junit: tuple[str, ...] = ()
    """JUnit files that the tests write, as patterns."""
    timeout_s: float = 600.0
    """Seconds after which the tests are given up."""
    notes: tuple[str, ...] = ()
    """What of the services is not done here."""
    reuse: bool = True
    """Whether what it said before may count again."""
