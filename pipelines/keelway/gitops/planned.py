"""From what is written about a repository to what is done with it: pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from keelway._secrets import plan_secret
from keelway.errors import PlanError
from keelway.gitops.spec import GitOpsSpec, LoginSpec, PullRequestSpec, SigningSpec
from keelway.model.outcome import Skipped

if TYPE_CHECKING:
    from keelway.config.deploy_gitops import GitLoginConfig, GitOpsTarget, PullRequestConfig
    from keelway.facts import Facts

# git@github.com:shop/deploy.git
_SCP = re.compile(r"(?:[^/@:]+@)?(?P<host>[^/@:]+):(?P<path>[^/].*|/.+)")


def plan_gitops(
    target: GitOpsTarget, facts: Facts, *, name: str, project: str
) -> GitOpsSpec | Skipped:
    """Return what is done with a repository, or why nothing is.

    Args:
        target: What is written under `[deploy.NAME]`.
        facts: What is true here.
        name: The target's.
        project: The project's.

    Raises:
        PlanError: A secret is missing, or it cannot be told where a pull request belongs.
    """
    if facts.untrusted is not None:
        return Skipped(facts.untrusted)
    signing = target.signing
    return GitOpsSpec(
        target=name,
        project=project,
        environment=target.environment or name,
        url=_url(target.repository, facts),
        branch=target.branch,
        format=target.format,
        path=target.path,
        recursive=target.recursive,
        images=dict(target.images),
        mode=target.mode,
        branch_name=target.branch_name,
        message=target.message,
        author=target.author,
        login=_login(target.login, facts, name),
        signing=None
        if signing is None
        else SigningSpec(
            format=signing.format,
            key=plan_secret(signing.key, facts, what=f"the signing key of {name}"),
            passphrase=_secret(signing.passphrase, facts, f"the passphrase of {name}'s key"),
        ),
        pull_request=_pull_request(target.pull_request, target.repository, facts, name),
        check=target.check,
        attempts=target.attempts,
        timeout_s=target.timeout_s,
    )


def _url(repository: str, facts: Facts) -> str:
    if "://" in repository or (_SCP.fullmatch(repository) and not repository.startswith(".")):
        return repository
    return facts.resolve(repository).as_uri()


def _login(login: GitLoginConfig, facts: Facts, name: str) -> LoginSpec:
    hosts = login.known_hosts
    if hosts is not None and not hosts.startswith("~"):
        hosts = str(facts.resolve(hosts))
    return LoginSpec(
        username=login.username,
        token=_secret(login.token, facts, f"the token of {name}'s repository"),
        ssh_key=_secret(login.ssh_key, facts, f"the ssh key of {name}'s repository"),
        known_hosts=hosts,
    )


def _secret(source: str | None, facts: Facts, what: str) -> str | None:
    return None if source is None else plan_secret(source, facts, what=what)


def _pull_request(
    wanted: PullRequestConfig | None, repository: str, facts: Facts, name: str
) -> PullRequestSpec | None:
    if wanted is None:
        return None
    host, path = host_and_path(repository)
    of = wanted.repository or path
    api = wanted.api or _api(wanted.provider, host)
    if not of or not api:
        raise PlanError(
            f"deploy.{name}: where its pull request belongs cannot be read from its address",
            next_step=f"set deploy.{name}.pull_request.repository and .api",
        )
    token = plan_secret(wanted.token, facts, what=f"the token of {name}'s pull request")
    return PullRequestSpec(
        provider=wanted.provider,
        api=api.rstrip("/"),
        repository=of,
        token=token,
        title=wanted.title,
    )


def host_and_path(repository: str) -> tuple[str, str]:
    """Return the host of a repository's address and `owner/name`; empty where it has none.

    Example:
        >>> host_and_path("git@github.com:shop/deploy.git")
        ('github.com', 'shop/deploy')
        >>> host_and_path("https://git.example.com/shop/deploy")
        ('git.example.com', 'shop/deploy')
    """
    if "://" in repository:
        parts = urlsplit(repository)
        host, path = parts.hostname or "", parts.path
    else:
        found = _SCP.fullmatch(repository)
        host, path = ("", "") if found is None else (found["host"], found["path"])
    return host, path.strip("/").removesuffix(".git") if host else ""


def _api(provider: str, host: str) -> str:
    if host == "github.com":
        return "https://api.github.com"
    path = "api/v3" if provider == "github" else "api/v4"
    return f"https://{host}/{path}" if host else ""
