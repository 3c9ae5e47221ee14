"""Small compose projects that run on a real engine, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keelway.compose.project import (
    Attachment,
    Condition,
    Dependency,
    HealthCheck,
    Network,
    Place,
    Project,
    Service,
)
from keelway.model.image import Images
from keelway.stack.running import Stack
from keelway.stack.spec import StackSpec, SuiteSpec, TestCommand
from keelway.stages.integration import IntegrationSpec, run_integration

if TYPE_CHECKING:
    import keelway as kw
    from keelway.model.tests import SuiteResult, TestResults
    from keelway.model.tool import HostTool
    from keelway.stack.board import Told

PLACE = Place(file=Path("compose.yaml"), line=7)
DEFAULT = {"default": Attachment(network="default")}
START_LIMIT_S = 60.0
SERVE = "mkdir -p /w; echo hello >/w/index.html; echo serving; exec httpd -f -p 8080 -h /w"
ANSWERS = HealthCheck(
    test=("CMD", "wget", "-qO-", "http://127.0.0.1:8080/"), interval_s=0.5, retries=60
)


def healthy(*names: str) -> dict[str, Dependency]:
    """Return `depends_on` of a service that waits until others are healthy."""
    return {name: Dependency(service=name, condition=Condition.HEALTHY) for name in names}


def completed(*names: str) -> dict[str, Dependency]:
    """Return `depends_on` of a service that waits until others have done their work."""
    return {name: Dependency(service=name, condition=Condition.COMPLETED) for name in names}


@dataclass(frozen=True, slots=True, kw_only=True)
class StackBench:
    """An engine with the sample image, and a folder for a project."""

    run: kw.Run
    image: str
    folder: Path
    busybox: HostTool
    images: Images = field(default_factory=lambda: Images(variants=()))

    def service(self, name: str, script: str, **more: Any) -> Service:
        """Return a service of the sample image that runs a shell's script."""
        given: dict[str, Any] = {"image": self.image, "networks": DEFAULT, **more}
        return Service(name=name, place=PLACE, command=("sh", "-c", script), **given)

    def project(self, *services: Service, **more: Any) -> Project:
        """Return a project of these services."""
        networks = {key: Network(name=key) for one in services for key in one.networks}
        return Project(
            name="sample",
            folder=self.folder,
            files=(),
            services={service.name: service for service in services},
            networks=networks,
            **more,
        )

    def stack(self, project: Project, tests: Service, **more: Any) -> Stack:
        """Return a stack with tests that are one of the project's services, or another one."""
        command = TestCommand(service=tests, timeout_s=60)
        given: dict[str, Any] = {"start_limit_s": START_LIMIT_S, "tests": command, **more}
        spec = StackSpec(project=project, busybox=self.busybox, **given)
        return Stack(self.run, spec, self.images)

    async def told(
        self, tests: Service, *others: Service, project: Project | None = None, **more: Any
    ) -> dict[str, Told]:
        """Run a service as tests beside others, and return what all of them told."""
        project = self.project(*others) if project is None else project
        stack = self.stack(project, tests, **more)
        async with stack:
            assert await stack.tested(), "the tests did not end in time"
        return stack.told

    async def tests(self, *suites: SuiteSpec, **more: Any) -> TestResults:
        """Return what the integration stage says of these suites."""
        given: dict[str, Any] = {"start_timeout_s": START_LIMIT_S, **more}
        spec = IntegrationSpec(
            suites=suites, busybox=self.busybox, directory=str(self.folder / "report"), **given
        )
        return await run_integration(self.run, spec, self.images)

    async def suite(self, tests: Service, *others: Service, **more: Any) -> SuiteResult:
        """Return what one suite says."""
        spec = SuiteSpec(name="api", tests=tests, project=self.project(*others), **more)
        (result,) = (await self.tests(spec)).suites
        return result

    def having(self, images: Images) -> StackBench:
        """Return the bench with images of a build."""
        return replace(self, images=images)
