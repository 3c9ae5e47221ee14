"""What a pipeline does, whatever CI runs it: made from the configuration, typed. Pure.

Every renderer takes one of these and nothing else, so no CI knows more than another.

Example:
    >>> from keelway.config import Config, ImageConfig, ProjectConfig
    >>> config = Config(project=ProjectConfig(name="shop"), images={"orders": ImageConfig()})
    >>> made = describe(config, Surroundings(version="1.0"))
    >>> made.branches, made.nightly, made.platforms
    (('main',), '0 2 * * *', ('linux/amd64', 'linux/arm64'))
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from keelway._tools.cosign import COSIGN
from keelway._tools.k6 import K6
from keelway.errors import PlanError
from keelway.model.platform import file_name, parse_platform

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from keelway.config import Config
    from keelway.model.platform import Platform

GITHUB_REGISTRY = "ghcr.io"
PROOFS_FOLDER = ".cache/keelway-proofs"
"""Where the reports of other machines are brought; what is in `.cache` is no change of a commit."""
DIGEST_FILE = "proof/digest"
"""Under the report directory: what `keelway prove` leaves for the CI to hand on."""
_OFF = "off"
# What stands in shell words, in patterns of files and in YAML without quotes.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_./-]*")
_VARIABLE = re.compile(r"env://([A-Za-z_][A-Za-z0-9_]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the repository is like, beside its configuration."""

    version: str
    """Keelway's own."""
    default_branch: str = "main"
    folder: str = ""
    """The configuration's folder inside the repository, as in `services/shop`; empty at its top."""
    ecosystems: tuple[tuple[str, str], ...] = ()
    """Packages that are there: a package manager and its folder, as in `("pip", "/")`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoProgram:
    """A program that the Go module proxy has, and the distributions have not."""

    name: str
    module: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """Names of environment variables that hold secrets."""

    build: tuple[str, ...]
    """Of build steps: every job needs them, and those of forks do without."""
    deliver: tuple[str, ...]
    """Of what publishes and signs; no pull request sees them."""
    cache: bool
    """Whether one of the latter signs caches, so that who has it can tell which to believe."""
    github_token: str | None
    """The one of them that logs in to GitHub's registry, which a job's own token can do."""

    @property
    def all(self) -> tuple[str, ...]:
        """Return both kinds, each once."""
        return tuple(dict.fromkeys((*self.build, *self.deliver)))


class Native(NamedTuple):
    """What a machine of a platform proves."""

    title: str
    platform: Platform
    words: str
    """For keelway."""

    @property
    def key(self) -> str:
        """Return a name for files and jobs, as in `build-orders-linux-amd64`."""
        return f"{self.title} {file_name(self.platform)}".replace(" ", "-")

    @property
    def variable(self) -> str:
        """Return the variable that holds the digest of a proof: `KEELWAY_PROOF_LINUX_AMD64`."""
        return f"KEELWAY_PROOF_{file_name(self.platform)}".replace("-", "_").upper()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """What is done, when, where, and with which rights."""

    version: str
    """Keelway's own."""
    package: str
    """What pip installs."""
    folder: str
    """Where the configuration is inside the repository; empty at its top."""
    branches: tuple[str, ...]
    """Pushes to these are released; the first is the default branch, or stands for it."""
    tags: tuple[str, ...]
    """Git tags that are released."""
    nightly: str | None
    """Cron, in UTC."""
    weekly: str | None
    """Cron, in UTC: base images are made anew. Nothing where there are none."""
    images: Mapping[str, tuple[Platform, ...]]
    """What each is built for."""
    runners: Mapping[Platform, str]
    """Where the configuration names one."""
    assembled: bool
    """Whether the release puts together what was proved elsewhere."""
    tested: bool
    """Whether there are integration tests."""
    keyless: bool
    """Whether the CI's identity signs."""
    programs: tuple[GoProgram, ...]
    secrets: Secrets
    timeout_minutes: int
    report: str
    """The report directory, inside the repository."""
    ecosystems: tuple[tuple[str, str], ...]

    def command(self, *words: str) -> str:
        """Return a command line of keelway's, for the top of the repository."""
        named = ("--config", self.folder) if self.folder else ()
        return " ".join(("keelway", *words, *named))

    def inside(self, path: str) -> str:
        """Return the path of a file beside the configuration, inside the repository."""
        return f"{self.folder}/{path}" if self.folder else path

    @property
    def platforms(self) -> tuple[Platform, ...]:
        """Return all platforms, each once."""
        return tuple(dict.fromkeys(place for places in self.images.values() for place in places))

    @property
    def proofs(self) -> tuple[Native, ...]:
        """Return what proves each platform, where the release puts that together."""
        if not self.assembled:
            return ()
        return tuple(
            Native("prove", platform, f"prove --platform {platform}") for platform in self.platforms
        )

    @property
    def native_commands(self) -> tuple[Native, ...]:
        """Return what proves each platform on a machine of its own.

        One a target and platform, and one a platform where there are tests beside neighbours.
        """
        built = [
            Native(f"build {image}", platform, f"build --platform {platform} --image {image}")
            for platform in self.platforms
            for image, built_for in self.images.items()
            if platform in built_for
        ]
        tested = [
            Native("test", platform, f"test --platform {platform}")
            for platform in self.platforms
            if self.tested
        ]
        return (*built, *tested)


def describe(config: Config, around: Surroundings) -> Pipeline:
    """Return the pipeline of a configuration.

    Args:
        config: What was written.
        around: What the repository is like.

    Raises:
        PlanError: When a platform of `[ci.runners]` is none, or the report directory has a name
            that the CI's files can't hold.
    """
    ci = config.ci
    images = {
        name: tuple(dict.fromkeys(parse_platform(text) for text in image.platforms))
        for name, image in config.images.items()
    }
    return Pipeline(
        version=around.version,
        package=ci.package or f"keelway[engine,tools]=={around.version}",
        folder=around.folder,
        branches=ci.branches or (around.default_branch,),
        tags=ci.tags,
        nightly=None if ci.nightly == _OFF else ci.nightly,
        weekly=None if ci.weekly == _OFF or not config.base else ci.weekly,
        images=images,
        runners={parse_platform(text): runner for text, runner in ci.runners.items()},
        assembled=ci.assemble,
        tested=config.integration.enabled and bool(config.integration.suites),
        keyless=_is_keyless(config),
        programs=tuple(_programs(config)),
        secrets=_secrets(config),
        timeout_minutes=ci.timeout_minutes,
        report=_plain("/".join(filter(None, (around.folder, config.report.directory)))),
        ecosystems=around.ecosystems,
    )


def _plain(path: str) -> str:
    if _PLAIN_PATH.fullmatch(path) is None or ".." in path.split("/"):
        raise PlanError(
            f"the path of the reports, {path!r}, can't be used in the files of a CI",
            next_step="set report.directory to a path inside the repository; it, and the folder of "
            "the configuration, may have letters, digits, dots, dashes and slashes",
        )
    return path


def _is_keyless(config: Config) -> bool:
    sign = config.sign
    return sign.enabled and sign.key is None and sign.identity_token is None


def _programs(config: Config) -> Iterator[GoProgram]:
    loaded = config.load.script is not None or config.load.probe is not None
    if config.sign.enabled and config.tools.cosign.source == "host":
        yield GoProgram(name=COSIGN.name, module="github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3")
    if config.load.enabled and loaded and config.tools.k6.source == "host":
        yield GoProgram(name=K6.name, module="go.k6.io/k6@v1.8.1")


def _secrets(config: Config) -> Secrets:
    sign = config.sign
    logins = {registry.url: registry.password for registry in config.registries}
    build = [secret.source for image in config.images.values() for secret in image.secrets]
    deliver: list[str | None] = [*logins.values()]
    if sign.enabled:
        signing = (sign.key, sign.password, sign.identity_token)
        deliver += [*signing, *(f"env://{name}" for name in sign.variables)]
    deliver.append(config.cache.key)
    deliver += [
        getattr(channel, key, None)
        for channel in config.notify
        for key in ("url", "secret", "password")  # tokens of GitHub's jobs are there by themselves
    ]
    if any("snyk" in config.scan.second_of(name) for name in config.images):
        build.append(config.scan.snyk_token or "")
    own = [
        name
        for url, password in logins.items()
        if url.partition("/")[0] == GITHUB_REGISTRY
        for name in _variables([password])
    ]
    return Secrets(
        build=_variables(build),
        deliver=_variables(deliver),
        cache=bool(_variables([config.cache.key])),
        github_token=next(iter(own), None),
    )


def _variables(sources: Sequence[str | None]) -> tuple[str, ...]:
    """Return the names of the environment variables among addresses of secrets, each once."""
    named = (_VARIABLE.fullmatch(source or "") for source in sources)
    return tuple(dict.fromkeys(found[1] for found in named if found is not None))
