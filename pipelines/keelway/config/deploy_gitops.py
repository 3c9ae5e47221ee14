"""[deploy.NAME] with kind = "gitops": a repository that a cluster follows."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from keelway.config.section import Name, SecretSource, Section, Text

FormatText = Literal["kustomize", "helm", "manifests"]

MESSAGE_WORDS = ("project", "environment", "target", "version", "images", "replaced", "who")
"""What a template of this section may name in braces."""

_WORD = re.compile(r"\{([^{}]*)\}")
_AUTHOR = re.compile(r"[^<>\n]+ <[^<>\s]+>")
# What git takes as a branch, less what only confuses: https://git-scm.com/docs/git-check-ref-format
_BRANCH = re.compile(
    r"(?!-)(?!.*(\.\.|//|/\.|@\{|\.lock(/|$)))[A-Za-z0-9_{}./@+-]*[A-Za-z0-9_}@+-]"
)


def _template(value: str) -> str:
    unknown = [word for word in _WORD.findall(value) if word not in MESSAGE_WORDS]
    if unknown:
        msg = f"{{{unknown[0]}}} is not known: there are {', '.join(MESSAGE_WORDS)}"
        raise ValueError(msg)
    return value


def _branch(value: str) -> str:
    if not _BRANCH.fullmatch(value):
        msg = f"{value!r} is no name for a branch"
        raise ValueError(msg)
    return value


def _inside(value: str) -> str:
    parts = value.split("/")
    if value.startswith("/") or ".." in parts or ".git" in parts:
        msg = "a path inside of the repository is expected, as in overlays/production"
        raise ValueError(msg)
    return value


def _author(value: str) -> str:
    if not _AUTHOR.fullmatch(value):
        msg = "a name and an address are expected, as in Release bot <bot@example.com>"
        raise ValueError(msg)
    return value


def _repository(value: str) -> str:
    scheme, is_url, rest = value.partition("://")
    if is_url and "@" in rest.partition("/")[0] and ":" in rest.partition("@")[0]:
        msg = "a password does not belong into an address: set login.token"
        raise ValueError(msg)
    is_known = scheme in {"https", "http", "ssh", "file"} if is_url else value[0] != "-"
    # transport::address runs programs.
    if not is_known or re.match(r"\w*::", value):
        msg = "an address by https, ssh or file, git@HOST:PATH, or a path is expected"
        raise ValueError(msg)
    return value


Template = Annotated[Text, AfterValidator(_template)]
BranchText = Annotated[Text, AfterValidator(_branch)]


class GitLoginConfig(Section):
    """How the repository lets us in; without any of it as git on this machine would."""

    username: Text = "x-access-token"
    """The name that goes with the token. GitHub and GitLab take any."""
    token: SecretSource | None = None
    """Token or password for an address by https."""
    ssh_key: SecretSource | None = None
    """Private key, without a passphrase, for an address by ssh; the agent's keys without one."""
    known_hosts: Text | None = None
    """File with the keys of hosts, relative to the configuration; `~/.ssh/known_hosts` without it.
    A host whose key is not in it is not talked to.
    """

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.token is not None and self.ssh_key is not None:
            msg = "token is for https and ssh_key for ssh: give one of them"
            raise ValueError(msg)
        return self


class CommitSigningConfig(Section):
    """Whose signature commits get."""

    format: Literal["ssh", "gpg"]
    """What kind of key it is."""
    key: SecretSource
    """The private key: OpenSSH's form without a passphrase, or what `gpg --export-secret-keys
    --armor` writes.
    """
    passphrase: SecretSource | None = None
    """Passphrase of a key of gpg; none when it has none."""

    @model_validator(mode="after")
    def _passphrase_is_gpg(self) -> Self:
        if self.passphrase is not None and self.format == "ssh":
            msg = "only a key of gpg may have a passphrase here: store the ssh key without one"
            raise ValueError(msg)
        return self


class PullRequestConfig(Section):
    """The pull request (GitLab's merge request) that is opened for the branch."""

    provider: Literal["github", "gitlab"]
    """Whose API is asked."""
    token: SecretSource
    """A token that may open it."""
    api: Text | None = None
    """Address of the API: `https://api.github.com`, or `https://HOST/api/v3` or `/api/v4` of the
    repository's own host without it.
    """
    repository: Text | None = None
    """`owner/name`; read from the repository's address without it."""
    title: Template | None = None
    """Its title; the first line of the commit's message without one."""


class GitOpsTarget(Section):
    """A repository that Argo CD, Flux or people follow: digests are written into its files."""

    kind: Literal["gitops"]
    """What the target is: `"gitops"` for a repository."""
    environment: Name | None = None
    """What the target is in, a name under `[environments]`; history and notices tell it."""
    on_release: bool = False
    """Whether each release is written there, once it is published and signed."""
    require_verified: bool = True
    """Whether the images must verify, as `[verify]` and `[sign]` ask, before a file is written."""
    repository: Annotated[Text, AfterValidator(_repository)]
    """Address of the repository, or a path relative to the configuration file."""
    branch: BranchText = "main"
    """The branch that is followed."""
    format: FormatText
    """What `path` is: the folder of a kustomization, a file of Helm values, or a manifest or a
    folder of them.
    """
    path: Annotated[Text, AfterValidator(_inside)]
    """Where in the repository; `.` for its top."""
    recursive: bool = False
    """Whether folders below a folder of manifests are looked through too."""
    images: Mapping[Name, Text] = {}
    """What each image is called there: the `name` in a kustomization or in manifests, the dotted
    path in Helm values, as in `{ orders = "orders.image" }`. Without any, all images by their
    repositories.
    """
    mode: Literal["push", "branch"] = "push"
    """Whether the commit goes to the branch itself, or to one of its own for a pull request."""
    branch_name: Annotated[Template, AfterValidator(_branch)] = "keelway/{target}/{version}"
    """The branch of its own, with `mode = "branch"`."""
    message: Template = "Deploy {project} {version} to {environment}"
    """The commit's message; what keelway needs to know again follows it as trailers."""
    author: Annotated[Text, AfterValidator(_author)] = "keelway <keelway@localhost>"
    """Who writes the commit."""
    login: GitLoginConfig = Field(default_factory=GitLoginConfig)
    """How the repository lets us in."""
    signing: CommitSigningConfig | None = None
    """Whose signature the commit gets; none without it."""
    pull_request: PullRequestConfig | None = None
    """The pull request that is opened, with `mode = "branch"`."""
    check: Literal["auto", "always", "never"] = "auto"
    """Whether `kustomize build` must show the new digests before a kustomization is committed;
    `"auto"` where kustomize is installed.
    """
    attempts: Annotated[int, Field(ge=1, le=50)] = 6
    """How often it is tried, when others push at the same time or the network fails."""
    timeout_s: Annotated[int, Field(ge=1, le=3600)] = 120
    """Seconds that one exchange with the repository may take."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.format == "helm" and not self.images:
            msg = 'Helm values need images: where each one stands, as { orders = "orders.image" }'
            raise ValueError(msg)
        if self.pull_request is not None and self.mode != "branch":
            msg = 'a pull request needs mode = "branch"'
            raise ValueError(msg)
        return self
