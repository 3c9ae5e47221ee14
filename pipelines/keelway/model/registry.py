"""Registries to publish to, and how to log in to them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginSpec:
    """How to log in to a registry."""

    username: str
    """Whom to log in as."""
    password: str
    """Where the password is read: `env://NAME`, `file:///PATH` or `cmd://COMMAND`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrySpec:
    """One place to publish to."""

    url: str
    """The prefix of its repositories, without a scheme."""
    login: LoginSpec | None = None
    """The logins of the machine's own Docker config are used when there is none."""

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
