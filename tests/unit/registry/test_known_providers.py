"""Which way to log in a registry has, by its name."""

from __future__ import annotations

import pytest

from keelway.registry.providers.known import provider_of


@pytest.mark.parametrize(
    ("host", "provider"),
    [
        ("ghcr.io", "ghcr"),
        ("docker.io", "docker-hub"),
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", "ecr"),
        ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", "ecr"),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "ecr"),
        ("public.ecr.aws", "ecr"),
        ("europe-west3-docker.pkg.dev", "gar"),
        ("eu.gcr.io", "gar"),
        ("gcr.io", "gar"),
        ("shop.azurecr.io", "acr"),
        ("quay.io", "quay"),
        ("registry.gitlab.com", "gitlab"),
        ("harbor.example.com", "docker-config"),
        ("localhost:5000", "docker-config"),
        ("ghcr.io.example.com", "docker-config"),
        ("evilazurecr.io", "docker-config"),
        ("gcr.io.example.com", "docker-config"),
    ],
)
def test_the_hosts_name_tells_the_provider(host: str, provider: str) -> None:
    assert provider_of(host) == provider


def test_a_job_of_gitlab_may_have_a_registry_of_any_name() -> None:
    assert provider_of("registry.example.com:5050", of_gitlab_job=True) == "gitlab"
    assert provider_of("ghcr.io", of_gitlab_job=True) == "ghcr"
