"""The whole configuration."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from keelway.config.base_image import BaseConfig
from keelway.config.cache import CacheConfig
from keelway.config.ci import CiConfig
from keelway.config.deploy import DeployTarget
from keelway.config.engines import Engines
from keelway.config.environments import EnvironmentConfig
from keelway.config.gate import GateConfig
from keelway.config.hooks import HookConfig
from keelway.config.image import ImageConfig
from keelway.config.integration import IntegrationConfig
from keelway.config.load import LoadConfig
from keelway.config.monitoring import MonitoringConfig
from keelway.config.notify import NotifyConfig
from keelway.config.policy import PolicyConfig
from keelway.config.project import ProjectConfig
from keelway.config.registry import RegistryConfig, RepositoryPrefix
from keelway.config.reporting import ReportConfig
from keelway.config.retention import RetentionConfig
from keelway.config.sbom import SbomConfig
from keelway.config.scan import ScanConfig
from keelway.config.section import Name, PlatformText, Section
from keelway.config.sign import AttestConfig, SignConfig, VerifyConfig
from keelway.config.tagging import TagsConfig
from keelway.config.tools import ToolsConfig


class Config(Section):
    """What the user wrote: `keelway.toml`, or `[tool.keelway]` of `pyproject.toml`."""

    project: ProjectConfig
    """What is being released."""
    images: Annotated[Mapping[Name, ImageConfig], Field(min_length=1)]
    """The images, by name. The name is appended to each registry's `url`."""
    tags: TagsConfig = Field(default_factory=TagsConfig)
    """The tags of a release."""
    registries: tuple[RegistryConfig, ...] = ()
    """Where images are published. Without any, nothing is published."""
    mirrors: Mapping[RepositoryPrefix, tuple[RepositoryPrefix, ...]] = {}
    """Where images are pulled from when their own registry does not answer, fails or is too busy:
    by registry or prefix, as `"docker.io" = ["mirror.example.com/hub"]`. What comes from there is
    held against its digest. For the local engine; Dagger's own has mirrors in its `engine.toml`.
    """
    scan: ScanConfig = Field(default_factory=ScanConfig)
    """What images are searched for."""
    policy: PolicyConfig = Field(default_factory=PolicyConfig)
    """Rules for Dockerfiles and images."""
    integration: IntegrationConfig = Field(default_factory=IntegrationConfig)
    """Tests against the images and their neighbours."""
    load: LoadConfig = Field(default_factory=LoadConfig)
    """The services under load."""
    gate: GateConfig = Field(default_factory=GateConfig)
    """What stops a release."""
    sign: SignConfig = Field(default_factory=SignConfig)
    """Signatures of what is published."""
    attest: AttestConfig = Field(default_factory=AttestConfig)
    """What is stated about what is published."""
    verify: VerifyConfig = Field(default_factory=VerifyConfig)
    """What `keelway verify` asks of an image."""
    environments: Mapping[Name, EnvironmentConfig] = {}
    """What images are promoted to, by name: `keelway promote IMAGE --to NAME`."""
    retention: RetentionConfig = Field(default_factory=RetentionConfig)
    """Which published images are kept: `keelway retention plan`."""
    deploy: Mapping[Name, DeployTarget] = {}
    """Where releases are deployed, by name: `keelway deploy IMAGE --to NAME`."""
    sbom: SbomConfig = Field(default_factory=SbomConfig)
    """The lists of what is inside the images."""
    tools: ToolsConfig = Field(default_factory=ToolsConfig)
    """Where the external tools come from."""
    base: Mapping[Name, BaseConfig] = {}
    """Base images made from Debian's packages, by name."""
    engines: Mapping[PlatformText, Engines] = {}
    """Which engine builds and judges which platform, as `"linux/arm64" = "ssh://builder@arm1"`;
    this machine's, by emulation where it must be, for platforms that are not named.
    """
    report: ReportConfig = Field(default_factory=ReportConfig)
    """Where results are kept."""
    cache: CacheConfig = Field(default_factory=CacheConfig)
    """Where the local engine's cache comes from and goes to."""
    ci: CiConfig = Field(default_factory=CiConfig)
    """The pipelines that `keelway init ci` writes."""
    notify: tuple[NotifyConfig, ...] = ()
    """Who is told what became of releases, promotions and deployments."""
    hooks: tuple[HookConfig, ...] = ()
    """The user's own commands before and after them."""
    monitoring: MonitoringConfig = Field(default_factory=MonitoringConfig)
    """Prometheus and Grafana for the services."""
