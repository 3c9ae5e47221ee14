"""Registries to publish to, and how to log in to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Provider = Literal[
    "docker-config", "token", "ghcr", "docker-hub", "ecr", "gar", "acr", "harbor", "quay", "gitlab"
]
"""Whose way to log in a registry has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginSpec:
    """How to log in to a registry."""

    username: str | None = None
    """Whom to log in as; the provider says it when there is none."""
    password: str | None = None
    """Where the password is read: `env://NAME`, `file:///PATH` or `cmd://COMMAND`."""
    provider: Provider | None = None
    """Whose way it is; found by the host's name when there is none."""
    variables: tuple[str, ...] = ()
    """Environment variables that the provider's way may read here."""


LONGEST_TAG = 128
"""As many characters a tag has at most (OCI distribution specification, "Pulling manifests")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedName:
    """What an image is called in every registry."""

    repository: str
    """Below the registry's prefix."""
    suffix: str = ""
    """The end of each of its tags."""

    def tag(self, tag: str) -> str:
        """Return the image's own tag for one of the release.

        >>> PublishedName(repository="shop", suffix="-debug").tag("1.0")
        '1.0-debug'
        """
        return f"{tag[: LONGEST_TAG - len(self.suffix)]}{self.suffix}"

    def own_tag(self, tag: str) -> str:
        """Return the image's own tag for one that may be it already.

        >>> name = PublishedName(repository="shop", suffix="-debug")
        >>> name.own_tag("1.0"), name.own_tag("1.0-debug")
        ('1.0-debug', '1.0-debug')
        """
        return tag if tag.endswith(self.suffix) else self.tag(tag)

    def reference(self, prefix: str, tag: str) -> str:
        """Return the image's name in a registry, by one of the release's tags."""
        return f"{prefix.rstrip('/')}/{self.repository}:{self.tag(tag)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrySpec:
    """One place to publish to."""

    url: str
    """The prefix of its repositories, without a scheme."""
    login: LoginSpec | None = None
    """The machine's own logins are used when there is none, then what the provider gives."""
    mirrors: tuple[str, ...] = ()
    """Prefixes where the same images may be read, the first one first."""
    fallback: str | None = None
    """Prefix of a place that everything is published to as well, for when this one is lost."""
    fallback_of: str | None = None
    """Prefix of the registry that this one stands in for."""

    @property
    def host(self) -> str:
        """Return `host[:port]`."""
        return self.url.partition("/")[0]

    def repository(self, image: str) -> str:
        """Return the repository of an image."""
        return f"{self.url.rstrip('/')}/{image}"

    def has(self, repository: str) -> bool:
        """Return whether a repository is one of its own."""
        return repository.startswith(f"{self.url.rstrip('/')}/")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrySpec:
    """How often a push is tried again, when the network, a 5xx or a 429 stopped it."""

    attempts: int = 3
    """How often it is tried in all."""
    delay_s: float = 1.0
    """Before the second attempt; twice as long before each one after it."""
    longest_delay_s: float = 30.0
    """The longest pause between two attempts."""
