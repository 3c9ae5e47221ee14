"""[deploy.NAME] with kind = "compose": hosts that run a compose project."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from keelway.config.deploy_analysis import AnalysisConfig
from keelway.config.deploy_faults import DeployFaultConfig
from keelway.config.deploy_limits import DeployLimitsConfig, DeployServiceConfig
from keelway.config.deploy_proxy import ProxyConfig
from keelway.config.section import Name, SecretSource, Section, Text
from keelway.model.host_address import check_folder, parse_host

Strategy = Literal["recreate", "rolling", "blue-green"]
RuntimeText = Literal["auto", "docker", "podman"]


def _host(value: str) -> str:
    parse_host(value)
    return value


HostText = Annotated[Text, AfterValidator(_host)]
FolderText = Annotated[Text, AfterValidator(check_folder)]


class ComposeTarget(Section):
    """Hosts that run the services of a compose project, by Docker or Podman."""

    kind: Literal["compose"]
    """What the target is: `"compose"` for hosts."""
    environment: Name | None = None
    """What the target is in, a name under `[environments]`; history and notices tell it."""
    on_release: bool = False
    """Whether each release is deployed here, once it is published and signed."""
    hosts: Annotated[tuple[HostText, ...], Field(min_length=1)]
    """`ssh://USER@HOST:PORT`, or `local` for this machine; they get the new version in this order.

    A path behind it, as in `ssh://web1.example.com/srv/shop`, is the folder on that host.
    """
    folder: FolderText
    """The folder on the hosts that holds releases, history and lock: absolute, as `/srv/orders`.

    Its last part is the name of the compose project there.
    """
    files: Annotated[tuple[Text, ...], Field(min_length=1)] = ("compose.yaml",)
    """Compose files, merged in this order, relative to the configuration file."""
    profiles: tuple[Text, ...] = ()
    """Profiles of the compose files that are switched on."""
    env_files: tuple[Text, ...] = ()
    """Files with variables for the compose files. The `.env` beside them when empty."""
    images: Mapping[Text, Name] = {}
    """Which service is which image of `[images]`, where their names do not tell."""
    secrets: Mapping[Text, SecretSource] = {}
    """Where the secrets of the compose files are read; services get them as files of their own."""
    services: Mapping[Text, DeployServiceConfig] = {}
    """What is particular to single services, by name."""
    limits: DeployLimitsConfig = Field(default_factory=DeployLimitsConfig)
    """What services may use that say nothing of it themselves."""
    runtime: RuntimeText = "auto"
    """What runs the services: `"docker"`, `"podman"`, or the one of them that the host has."""
    strategy: Strategy = "recreate"
    """How the new version takes the old one's place: `"recreate"` stops the old one first,
    `"rolling"` goes service by service, `"blue-green"` starts it beside the old one.
    """
    require_verified: bool = True
    """Whether the images must verify, as `[verify]` and `[sign]` ask, before a host is touched."""
    health_timeout_s: Annotated[int, Field(ge=1, le=86_400)] = 120
    """Seconds that the new version has to become healthy."""
    drain_s: Annotated[int, Field(ge=0, le=86_400)] = 30
    """Seconds that the old version has to end what it is at."""
    keep_old_s: Annotated[int, Field(ge=0, le=86_400)] = 0
    """Seconds that the old version is kept running beside the new one where both can run."""
    keep_releases: Annotated[int, Field(ge=1, le=1000)] = 5
    """How many releases a host keeps to go back to."""
    side_by_side: Annotated[int, Field(ge=1, le=100)] = 4
    """How many hosts get the new version at once, after the first one had it alone."""
    min_free_mb: Annotated[int, Field(ge=0)] = 512
    """Megabytes that must be free on each host before anything is changed."""
    lock_expires_s: Annotated[int, Field(ge=60, le=604_800)] = 300
    """Seconds without a sign of life after which a lock counts no more: whoever held it is dead."""
    known_hosts: Text = "~/.ssh/known_hosts"
    """File with the keys that the hosts must have, relative to the configuration file."""
    ssh_key: SecretSource | None = None
    """The private key to log in with. Without one the SSH agent's keys are used, and else the
    usual files in `~/.ssh`.
    """
    ssh_key_password: SecretSource | None = None
    """Password of the key; none when the key has none."""
    connect_timeout_s: Annotated[int, Field(ge=1, le=600)] = 20
    """Seconds that a host has to answer."""
    proxy: ProxyConfig | None = None
    """The NGINX that `"blue-green"` switches."""
    analysis: AnalysisConfig = Field(default_factory=AnalysisConfig)
    """What shows whether a new version is good, beside the health of its containers."""
    faults: tuple[DeployFaultConfig, ...] = ()
    """Experiments that hurt what runs there, for `keelway faults`."""

    @model_validator(mode="after")
    def _proxy_where_it_is_switched(self) -> Self:
        if self.strategy == "blue-green" and self.proxy is None:
            raise ValueError("strategy blue-green switches a proxy: write [deploy.NAME.proxy]")
        if self.strategy != "blue-green" and self.proxy is not None:
            raise ValueError(f"strategy {self.strategy} switches no proxy: that is for blue-green")
        return self

    @model_validator(mode="after")
    def _analysis_finds_its_services(self) -> Self:
        known = () if self.proxy is None else tuple(self.proxy.services)
        for service in self.analysis.services():
            if service not in known:
                raise ValueError(f"analysis: the proxy has no service {service}")
        if self.proxy is None and self.analysis.url is None and self.analysis.needs_url():
            raise ValueError("analysis: url is missing: without a proxy it says what is asked")
        return self
