"""[integration]: test suites against the images, with their real neighbours beside them."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from keelway.config.faults import FaultConfig
from keelway.config.section import Name, PlatformText, Section, Text, Variable

COMPOSE_FILES = ("compose.yaml",)


class SuiteConfig(Section):
    """One test suite; each runs with a set of services of its own."""

    name: Name
    """What reports and exceptions call it."""
    service: Text | None = None
    """The tests are a service of the compose file, with a profile of its own such as `test`."""
    image: Text | None = None
    """The tests are in this image."""
    build: Name | None = None
    """The tests are in an image of `[images]`: in its stage `target`, else in the image itself."""
    target: Text | None = None
    """The Dockerfile's stage that has the tests."""
    command: tuple[str, ...] | None = None
    """The command that runs the tests. The service's or the image's own when absent."""
    environment: Mapping[Variable, str] = {}
    """Variables for the tests; no secrets."""
    user: Text | None = None
    """The user that runs them. The service's or the image's own when absent."""
    junit: tuple[Text, ...] = ()
    """JUnit files that the tests write: paths, with `*` and `?`, relative to their directory.

    Without any, the whole suite is one test, and its exit code the result.
    """
    timeout_s: Annotated[int, Field(ge=1, le=86400)] = 600
    """Seconds that the tests may take, once they have begun."""
    services: tuple[Text, ...] = ()
    """Services that are started, with those they depend on. All when empty."""
    reuse: bool = True
    """Whether a result that passed counts again while nothing that decides it changed.

    False for a suite that depends on what keelway does not see: data or services elsewhere.
    """

    @model_validator(mode="after")
    def _has_one_origin(self) -> Self:
        given = [key for key in ("service", "image", "build") if getattr(self, key) is not None]
        if len(given) != 1:
            msg = "exactly one of service, image and build is needed"
            raise ValueError(msg)
        if self.target is not None and self.build is None:
            msg = "target is a stage of an image: it needs build"
            raise ValueError(msg)
        return self


class IntegrationConfig(Section):
    """Tests against the images that were built, started with their neighbours by a compose file."""

    enabled: bool = True
    """Whether they run at all."""
    files: Annotated[tuple[Text, ...], Field(min_length=1)] = COMPOSE_FILES
    """Compose files, merged in this order, relative to the configuration file."""
    profiles: tuple[Text, ...] = ()
    """Profiles of the compose file that are switched on."""
    env_files: tuple[Text, ...] = ()
    """Files with variables for the compose file. The `.env` beside it when empty."""
    images: Mapping[Text, Name] = {}
    """Which service is which image of `[images]`, where their names do not tell."""
    bases: Mapping[Variable, Name] = {}
    """Variables of the compose file that receive the pinned reference of a base image."""
    platforms: tuple[PlatformText, ...] = ()
    """Platforms whose images are tested, each in a run of its own. The engine's own when empty."""
    start_timeout_s: Annotated[int, Field(ge=1, le=3600)] = 120
    """Seconds that a service may wait for those it depends on."""
    reuse_days: Annotated[int, Field(ge=0, le=365)] = 7
    """Days for which the result of a suite or an experiment that passed is reused, while nothing
    that decides it changed: images, services, files, variables, tests, keelway. 0: never."""
    suites: tuple[SuiteConfig, ...] = ()
    """The test suites. Without any, and without faults, there is nothing to do."""
    faults: tuple[FaultConfig, ...] = ()
    """Experiments: what the services do while another one is hurt, and how soon they recover."""
