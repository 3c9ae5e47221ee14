"""What a deployed service must not do, unless the configuration allows it by name.

An image is read-only, its services run without root, without capabilities and without ways to get
any, within limits, and with nothing of the host but volumes by name. Each breach is told with its
file, line, service and key, and with what to write instead.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keelway.compose.project import MountKind
from keelway.config.explain import nearest
from keelway.errors import ConfigProblem
from keelway.policy.dockerfile_rules import looks_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keelway.compose.project import Mount, Place, Project, Service
    from keelway.deploy.choice import Rendering, ServiceChoice

_SOCKETS = frozenset({"docker.sock", "podman.sock", "containerd.sock", "crio.sock"})
_NO_NEW_PRIVILEGES = frozenset({"no-new-privileges", "no-new-privileges:true"})
_ROOT = frozenset({"0", "root"})


@dataclass(slots=True)
class Judge:
    """One service, looked at key by key."""

    service: Service
    choice: ServiceChoice
    target: str
    problems: list[ConfigProblem] = field(default_factory=list[ConfigProblem])
    used: set[str] = field(default_factory=set[str])
    """What was allowed, and needed."""

    def allows(self, what: str) -> bool:
        """Return whether something is allowed by name."""
        if what in self.choice.allow:
            self.used.add(what)
            return True
        return False

    def refuse(self, key: str, text: str, place: Place | None = None) -> None:
        """Tell of a breach."""
        at = place or self.service.place
        path = f"services.{self.service.name}" + (f".{key}" if key else "")
        self.problems.append(ConfigProblem(file=str(at.file), line=at.line, key=path, text=text))

    def need(self, what: str, key: str, text: str, place: Place | None = None) -> None:
        """Tell of a breach that can be allowed by name, unless it is."""
        if not self.allows(what):
            way = (
                f"or allow it: [deploy.{self.target}.services.{self.service.name}] "
                f'allow = [{{ what = "{what}", reason = "..." }}]'
            )
            self.refuse(key, f"{text}, {way}", place)

    def unused(self) -> Iterator[str]:
        """Yield a line for each thing that is allowed and not needed."""
        for what in self.choice.allow:
            if what not in self.used:
                yield f"{self.service.name}: allow = {what!r} is not needed: take it out"


def judge_service(judge: Judge, project: Project, choice: Rendering) -> None:
    """Look at all that a service asks for.

    Args:
        judge: The service, and where breaches are kept.
        project: All of the project.
        choice: How the unit is to be written.
    """
    _judge_powers(judge)
    for mount in judge.service.mounts:
        _judge_mount(judge, mount)
    _judge_secrets(judge, choice)
    _judge_environment(judge)
    _judge_names(judge, choice)
    for grant in judge.service.configs:
        source = project.configs[grant.source]
        if source.external:
            text = f"the config {grant.source} is external: give it a file or its content"
            judge.refuse("configs", text, source.place)


def is_root(user: str) -> bool:
    """Return whether a user, as compose files and images write it, is root.

    >>> [is_root(user) for user in ("", "root", "0:0", "app", "1000:0")]
    [True, True, True, False, False]
    """
    return user.partition(":")[0] in {"", *_ROOT}


def _judge_powers(judge: Judge) -> None:
    service = judge.service
    if service.privileged:
        text = "a privileged container owns the host: take it out"
        judge.need("privileged", "privileged", text)
    if service.network_mode == "host":
        text = "the host's network is not a service's: publish its ports instead"
        judge.need("host-network", "network_mode", text)
    if service.user is not None and is_root(service.user):
        judge.need("root", "user", f"'{service.user}' is root: name another user")
    for capability in service.cap_add:
        name = capability.upper().removeprefix("CAP_")
        text = f"all capabilities are dropped: do without {name}"
        judge.need(f"cap_add:{name}", "cap_add", text)
    for option in service.security_opt:
        if option.replace("=", ":", 1) not in _NO_NEW_PRIVILEGES:
            text = f"'{option}' changes how the service is confined: take it out"
            judge.need(f"security_opt:{option}", "security_opt", text)


def _judge_mount(judge: Judge, mount: Mount) -> None:
    if mount.subpath:
        text = "a part of a volume cannot be mounted by every compose program: mount all of it"
        judge.refuse("volumes", text, mount.place)
    if mount.kind is MountKind.BIND:
        _judge_bind(judge, mount)
    elif mount.kind is MountKind.VOLUME and mount.source is None:
        text = (
            f"what is written to {mount.target} is lost without a name: write NAME:{mount.target},"
            f" or list it as scratch in [deploy.{judge.target}.services.{judge.service.name}]"
        )
        judge.refuse("volumes", text, mount.place)


def _judge_bind(judge: Judge, mount: Mount) -> None:
    source = posixpath.normpath(mount.source or "")
    if posixpath.basename(source) in _SOCKETS or posixpath.basename(mount.target) in _SOCKETS:
        text = f"whoever has {source} owns the host: do without"
        judge.need("docker-socket", "volumes", text, mount.place)
        return
    text = (
        f"{source} is a path of the host: keep data in a volume with a name, and give files of"
        " the project as configs"
    )
    judge.need(f"bind:{source}", "volumes", text, mount.place)


def _judge_secrets(judge: Judge, choice: Rendering) -> None:
    for grant in judge.service.secrets:
        if grant.source not in choice.secrets:
            near = nearest(grant.source, choice.secrets)
            hint = "" if near is None else f" (there is '{near}')"
            text = (
                f"the secret {grant.source} has no source for the hosts{hint}: write it in"
                f' [deploy.{judge.target}.secrets], as {grant.source} = "env://NAME"'
            )
            judge.refuse("secrets", text)


def _judge_environment(judge: Judge) -> None:
    for name, value in judge.service.environment.items():
        if not value or value.startswith("/") or not looks_secret(name):
            continue
        text = (
            f"{name} would be readable in the deployed file and in the container's settings: give"
            " it as a secret, which is a file in /run/secrets"
        )
        judge.need(f"environment:{name}", f"environment.{name}", text)


def _judge_names(judge: Judge, choice: Rendering) -> None:
    if choice.colour and judge.service.container_name is not None:
        text = "two colours cannot have the same name: take it out"
        judge.refuse("container_name", text)
