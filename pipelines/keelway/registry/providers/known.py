"""Which provider a registry is of, and what each may read. Pure.

Example:
    >>> provider_of("123456789012.dkr.ecr.eu-west-1.amazonaws.com")
    'ecr'
    >>> provider_of("registry.example.com")
    'docker-config'
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.model.registry import Provider

ECR_HOST = re.compile(
    r"^(?P<account>\d{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\."
    r"(?P<domain>amazonaws\.com(?:\.cn)?|on\.aws)$"
)
ECR_PUBLIC = "public.ecr.aws"
_HOSTS: tuple[tuple[str, Provider], ...] = (
    (r"^ghcr\.io$", "ghcr"),
    (r"^docker\.io$", "docker-hub"),
    (rf"{ECR_HOST.pattern}|^{re.escape(ECR_PUBLIC)}$", "ecr"),
    (r"(^|\.)gcr\.io$|-docker\.pkg\.dev$", "gar"),
    (r"\.azurecr\.(io|cn|us)$", "acr"),
    (r"^quay\.io$", "quay"),
    (r"^registry\.gitlab\.com$", "gitlab"),
)
VARIABLES: Mapping[Provider, tuple[str, ...]] = {
    "ghcr": ("GITHUB_TOKEN", "GH_TOKEN", "GITHUB_ACTOR"),
    "docker-hub": ("DOCKERHUB_USERNAME", "DOCKERHUB_TOKEN"),
    "ecr": (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_ENDPOINT_URL_ECR",
        "AWS_ENDPOINT_URL",
    ),
    "gar": ("GOOGLE_APPLICATION_CREDENTIALS", "GCE_METADATA_HOST"),
    "acr": (
        "AZURE_CLIENT_ID",
        "AZURE_CLIENT_SECRET",
        "AZURE_TENANT_ID",
        "AZURE_FEDERATED_TOKEN_FILE",
        "AZURE_AUTHORITY_HOST",
        "AZURE_POD_IDENTITY_AUTHORITY_HOST",
    ),
    "gitlab": (
        "CI_REGISTRY",
        "CI_REGISTRY_USER",
        "CI_REGISTRY_PASSWORD",
        "CI_JOB_TOKEN",
        "CI_DEPLOY_USER",
        "CI_DEPLOY_PASSWORD",
    ),
}
"""The environment variables that each may read, by its own documentation."""

REMEDIES: Mapping[Provider, str] = {
    "docker-config": "`docker login` to it",
    "token": "give username and password of this registry",
    "ghcr": "set GITHUB_TOKEN (in a workflow: permissions: packages: write), or give a password",
    "docker-hub": "set DOCKERHUB_USERNAME and DOCKERHUB_TOKEN, a personal access token",
    "ecr": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or install and configure `aws`",
    "gar": "set GOOGLE_APPLICATION_CREDENTIALS, give a service account's key as password, or "
    "install gcloud and log in",
    "acr": "set AZURE_CLIENT_ID with AZURE_CLIENT_SECRET, give a service principal as username "
    "and password, or `az login`",
    "harbor": "give a robot account: its whole name (robot$...) as username, its secret beside it",
    "quay": "give a robot account (namespace+name) and its token, or an OAuth token as password",
    "gitlab": "run in a job of GitLab CI, or give a deploy token as username and password",
}
"""How to come by a login, for people."""


def provider_of(host: str, *, of_gitlab_job: bool = False) -> Provider:
    """Return the provider of a registry, by its host.

    Args:
        host: `host[:port]`.
        of_gitlab_job: Whether a job of GitLab's CI runs here, whose registry may have any name.
    """
    name = host.partition(":")[0]
    for pattern, provider in _HOSTS:
        if re.search(pattern, name):
            return provider
    return "gitlab" if of_gitlab_job else "docker-config"
