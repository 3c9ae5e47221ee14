"""What a repository is told of a release, decided: no template of the environment is left in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginSpec:
    """How the repository lets us in; without any of it as git on this machine would."""

    username: str = "x-access-token"
    token: str | None = None
    """Where the token is read."""
    ssh_key: str | None = None
    """Where the private key is read."""
    known_hosts: str | None = None
    """File with the keys of hosts; that of ssh without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningSpec:
    """Whose signature commits get."""

    format: Literal["ssh", "gpg"]
    key: str
    """Where the private key is read."""
    passphrase: str | None = None
    """Where its passphrase is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequestSpec:
    """Where a pull request is opened."""

    provider: Literal["github", "gitlab"]
    api: str
    """Address of the API, without a slash at its end."""
    repository: str
    """`owner/name`."""
    token: str
    """Where the token is read."""
    title: str | None = None
    """Template of its title; the first line of the commit's message without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GitOpsSpec:
    """One target: a repository, and where in it the images stand."""

    target: str
    """The target's name."""
    project: str
    environment: str
    """As it is called under `[environments]`, or the target's name."""
    url: str
    """What git is given as the repository's address."""
    branch: str
    format: Literal["kustomize", "helm", "manifests"]
    path: str
    """Within the repository."""
    recursive: bool = False
    images: Mapping[str, str] = field(default_factory=dict[str, str])
    """What each image is called there; all images by their repositories where it is empty."""
    mode: Literal["push", "branch"] = "push"
    branch_name: str = "keelway/{target}/{version}"
    """Template of the branch of its own."""
    message: str = "Deploy {project} {version} to {environment}"
    """Template of the commit's message."""
    author: str = "keelway <keelway@localhost>"
    login: LoginSpec = field(default_factory=LoginSpec)
    signing: SigningSpec | None = None
    pull_request: PullRequestSpec | None = None
    check: Literal["auto", "always", "never"] = "auto"
    attempts: int = 6
    timeout_s: float = 120
