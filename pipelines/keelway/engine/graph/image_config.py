"""An image's configuration read into a container, and written from one.

The JSON is the OCI image configuration (image-spec, "OCI Image Configuration"), with Docker's
`Healthcheck`, `OnBuild` and `Shell` beside the standard keys of `config`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from keelway.engine.graph.container import Config, with_pair
from keelway.engine.graph.values import Healthcheck, Port

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from keelway.engine.graph.container import Container


def config_from(image: Mapping[str, Any]) -> Config:
    """Return what an image configuration says of how to run it."""
    found: Mapping[str, Any] = image.get("config") or {}
    return Config(
        env=tuple(_pair(text) for text in _words(found.get("Env")) or ()),
        user=found.get("User") or "",
        workdir=found.get("WorkingDir") or "",
        entrypoint=_words(found.get("Entrypoint")),
        cmd=_words(found.get("Cmd")),
        labels=_pairs(found.get("Labels")),
        volumes=_words(found.get("Volumes")) or (),
        stop_signal=found.get("StopSignal") or "",
        shell=_words(found.get("Shell")),
        on_build=_words(found.get("OnBuild")) or (),
        healthcheck=_healthcheck(found.get("Healthcheck")),
    )


def ports_from(image: Mapping[str, Any]) -> tuple[Port, ...]:
    """Return the ports that an image configuration exposes; metadata only, no service ports."""
    ports: list[Port] = []
    config: Mapping[str, Any] = image.get("config") or {}
    for text in _words(config.get("ExposedPorts")) or ():
        number, _, protocol = text.partition("/")
        ports.append(Port(port=int(number), protocol=(protocol or "tcp").upper(), service=False))
    return tuple(ports)


def with_image(container: Container, image: Mapping[str, Any], platform: str) -> Container:
    """Return the container with an image's configuration merged in, as `from` does.

    Variables, labels and ports merge, the image winning; what else the configuration holds is
    replaced; mounts, secrets and annotations stay.
    """
    new = config_from(image)
    env, labels = container.config.env, container.config.labels
    for name, value in new.env:
        env = with_pair(env, name, value)
    for name, value in new.labels:
        labels = with_pair(labels, name, value)
    ports = {(port.port, port.protocol): port for port in container.ports}
    for port in ports_from(image):
        ports.setdefault((port.port, port.protocol), port)
    return replace(
        container,
        config=replace(new, env=env, labels=labels),
        platform=platform,
        ports=tuple(ports.values()),
        exec=None,
    )


def config_json(container: Container) -> str:
    """Return the image configuration of a container as canonical JSON, without its layers."""
    os_name, arch, variant = platform_parts(container.platform)
    body: dict[str, Any] = {"architecture": arch, "os": os_name, "config": _config_body(container)}
    if variant:
        body["variant"] = variant
    if container.history:
        body["history"] = json.loads(container.history)
    return json.dumps(body, sort_keys=True, separators=(",", ":"))


def _config_body(container: Container) -> dict[str, Any]:
    config = container.config
    body: dict[str, Any] = {
        "Env": [f"{name}={value}" for name, value in config.env],
        "User": config.user,
        "WorkingDir": config.workdir,
        "Entrypoint": _list(config.entrypoint),
        "Cmd": _list(config.cmd),
        "Labels": dict(config.labels),
        "Volumes": {name: {} for name in config.volumes},
        "ExposedPorts": {f"{port.port}/{port.protocol.lower()}": {} for port in container.ports},
        "StopSignal": config.stop_signal,
        "Shell": _list(config.shell),
        "OnBuild": list(config.on_build),
        "Healthcheck": healthcheck_body(config.healthcheck),
    }
    return {name: value for name, value in body.items() if value}


def healthcheck_body(check: Healthcheck | None) -> dict[str, Any] | None:
    """Return a health check as Docker's image configuration has it."""
    if check is None:
        return None
    kind = ("CMD-SHELL",) if check.shell else ("CMD",)
    test = list(check.args) if check.args == ("NONE",) else [*kind, *check.args]
    times: Iterable[tuple[str, int]] = (
        ("Interval", check.interval),
        ("Timeout", check.timeout),
        ("StartPeriod", check.start_period),
        ("StartInterval", check.start_interval),
        ("Retries", check.retries),
    )
    return {"Test": test} | {name: value for name, value in times if value}


def _healthcheck(body: Mapping[str, Any] | None) -> Healthcheck | None:
    if not body or not body.get("Test"):
        return None
    kind, *args = body["Test"]
    return Healthcheck(
        args=("NONE",) if kind == "NONE" else tuple(args),
        shell=kind == "CMD-SHELL",
        interval=body.get("Interval") or 0,
        timeout=body.get("Timeout") or 0,
        start_period=body.get("StartPeriod") or 0,
        start_interval=body.get("StartInterval") or 0,
        retries=body.get("Retries") or 0,
    )


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


def _pairs(found: Mapping[str, str] | None) -> tuple[tuple[str, str], ...]:
    return () if found is None else tuple(found.items())


def _words(found: Iterable[str] | None) -> tuple[str, ...] | None:
    return None if found is None else tuple(found)


def _list(words: tuple[str, ...] | None) -> list[str] | None:
    return None if words is None else list(words)


# --- platforms -------------------------------------------------------------------------------

_ARCHITECTURES = {
    "x86_64": ("amd64", ""),
    "x86-64": ("amd64", ""),
    "aarch64": ("arm64", ""),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
    "i386": ("386", ""),
}
_KNOWN = {
    "amd64", "arm64", "arm", "386", "ppc64le", "ppc64", "s390x", "riscv64", "mips64le", "mips64",
    "loong64", "wasm",
}  # fmt: skip
_SYSTEMS = {"linux", "windows", "darwin", "freebsd"}


def platform_parts(platform: str) -> tuple[str, str, str]:
    """Return os, architecture and variant ("" for none) of a platform, normalised."""
    parts = platform.split("/")
    os_name, arch = parts[0].lower(), parts[1].lower() if len(parts) > 1 else ""
    variant = parts[2].lower() if len(parts) > 2 else ""  # noqa: PLR2004 - os/arch/variant
    arch, given = _ARCHITECTURES.get(arch, (arch, ""))
    variant = variant or given
    if (arch, variant) in {("arm64", "v8"), ("amd64", "v1")}:
        variant = ""
    if (arch, variant) == ("arm", ""):
        variant = "v7"
    return os_name, arch, variant


def is_platform(platform: str) -> bool:
    """Say whether the text names an operating system and an architecture that exist."""
    parts = platform.split("/")
    if not 2 <= len(parts) <= 3:  # noqa: PLR2004 - os/arch[/variant]
        return False
    os_name, arch, _ = platform_parts(platform)
    return os_name in _SYSTEMS and arch in _KNOWN


def parsed_platform(text: str, default: str) -> str | None:
    """Return the platform that a text names, as it is told back; None where there is no such one.

    An operating system or an architecture alone takes the other from the default. Other names of
    architectures become the usual ones; a variant that is given stays (containerd's `platforms`).

    >>> parsed_platform("Linux/x86_64", "linux/amd64"), parsed_platform("arm64", "linux/amd64")
    ('linux/amd64', 'linux/arm64')
    >>> parsed_platform("linux/arm64/v8", "linux/amd64"), parsed_platform("linux/vax", "")
    ('linux/arm64/v8', None)
    """
    if "/" not in text:
        os_name, arch, _ = platform_parts(default)
        text = f"{text}/{arch}" if text.lower() in _SYSTEMS else f"{os_name}/{text}"
    if not is_platform(text):
        return None
    os_name, arch, variant = platform_parts(text)
    if text.count("/") == 1:
        return f"{os_name}/{arch}" if variant in {"", "v7"} else f"{os_name}/{arch}/{variant}"
    return f"{os_name}/{arch}/{variant or ('v8' if arch == 'arm64' else '')}".rstrip("/")


def normalised(platform: str) -> str:
    """Return the platform as images name it: `linux/arm64/v8` is `linux/arm64`."""
    return "/".join(part for part in platform_parts(platform) if part)
