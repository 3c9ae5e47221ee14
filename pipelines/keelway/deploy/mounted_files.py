"""The files that a service is given: secrets, which only it can read, and configs.

Each service has files of its own in the unit's folder, since each is owned by whom it runs as.
Those of services that are not of the release are mounted from a place that stays, and copied there
when the unit is brought up: else each release would make the database anew.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from keelway.deploy.choice import ConfigFile
from keelway.deploy.unit_file import KeptFile, SecretPlace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keelway.compose.project import FileGrant, Project, Service

SECRETS_FOLDER = "secrets"
CONFIGS_FOLDER = "configs"
_IN_CONTAINER = "/run/secrets"
_SECRET_MODE = 0o400
_CONFIG_MODE = 0o444
# What others than its owner and its group would get.
_TOO_OPEN = 0o337


def secret_files(service: Service) -> tuple[SecretPlace, ...]:
    """Return the secrets of a service: for its eyes only, whatever its compose file says."""
    return tuple(
        SecretPlace(
            service=service.name,
            secret=grant.source,
            path=_path(SECRETS_FOLDER, service, grant),
            uid=_number(grant.uid),
            gid=_number(grant.gid),
            mode=_secret_mode(grant.mode),
        )
        for grant in service.secrets
    )


def config_files(service: Service, project: Project) -> Iterator[ConfigFile]:
    """Yield the configs of a service."""
    for grant in service.configs:
        source = project.configs[grant.source]
        content = source.content
        if source.environment is not None:
            content = project.environment.get(source.environment, "")
        yield ConfigFile(
            path=_path(CONFIGS_FOLDER, service, grant),
            mode=_CONFIG_MODE if grant.mode is None else grant.mode,
            source=source.file,
            content=content,
        )


def file_mounts(service: Service, folder: str) -> list[str]:
    """Return the volumes by which a service sees its files; `z` is for hosts with SELinux.

    Args:
        service: Whose they are.
        folder: Where they are on the host, absolute: the unit's, or that of what is kept.
    """
    secrets = [
        f"{folder}/{_path(SECRETS_FOLDER, service, one)}:{_secret_target(one)}:ro,z"
        for one in service.secrets
    ]
    configs = [
        f"{folder}/{_path(CONFIGS_FOLDER, service, one)}:{one.target or f'/{one.source}'}:ro,z"
        for one in service.configs
    ]
    return [*secrets, *configs]


def kept_files(service: Service, folder: str) -> list[KeptFile]:
    """Return the files of a service whose place stays the same from release to release.

    Args:
        service: One that is not of the release.
        folder: That of what is kept.
    """
    paths = [
        *(_path(SECRETS_FOLDER, service, one) for one in service.secrets),
        *(_path(CONFIGS_FOLDER, service, one) for one in service.configs),
    ]
    return [KeptFile(service=service.name, path=one, at=f"{folder}/{one}") for one in paths]


def _path(folder: str, service: Service, grant: FileGrant) -> str:
    return f"{folder}/{service.name}/{grant.source}"


def _secret_target(grant: FileGrant) -> str:
    return posixpath.join(_IN_CONTAINER, grant.target or grant.source)


def _secret_mode(mode: int | None) -> int:
    return _SECRET_MODE if mode is None or mode & _TOO_OPEN else mode


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None
