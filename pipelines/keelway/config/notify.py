"""[[notify]]: who is told what became of releases, promotions and deployments."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from keelway.config.explain import nearest
from keelway.config.section import Name, SecretSource, Section, Text
from keelway.model.history_fields import FIELDS
from keelway.model.occasion import parse_occasion
from keelway.tags.template import calls

REPOSITORY_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$"
ADDRESS_PATTERN = r"^[^@\s<>,]+@[^@\s<>,]+$"


def _occasion(text: str) -> str:
    parse_occasion(text)
    return text


def _template(text: str) -> str:
    for call in calls(text):
        if call.name not in FIELDS or call.arguments or call.options:
            near = nearest(call.name, FIELDS)
            hint = f". Did you mean '{near}'?" if near and near != call.name else ""
            msg = f"{{{{{call.text}}}}} is no field of an entry: {', '.join(FIELDS)}{hint}"
            raise ValueError(msg)
    return text


Address = Annotated[str, StringConstraints(pattern=ADDRESS_PATTERN, max_length=254)]
OccasionText = Annotated[str, AfterValidator(_occasion)]
Template = Annotated[Text, AfterValidator(_template)]
Repository = Annotated[str, StringConstraints(pattern=REPOSITORY_PATTERN)]

ENDS = ("succeeded", "failed", "rolled-back", "inconclusive")


class _Channel(Section):
    name: Name | None = None
    """What it is called in reports and by `keelway notify --test`; its kind when absent."""
    on: Annotated[tuple[OccasionText, ...], Field(min_length=1)] = ENDS
    """When something is sent: events (`release`, `promote`, `deploy`, `rollback`, `retention`,
    `unlock`: however they end), outcomes (`started`, `succeeded`, `failed`, `rolled-back`,
    `inconclusive`: of any event), or both, as in `deploy:failed`.
    """
    environments: tuple[Text, ...] = ()
    """Only for these environments; for all, and for releases, when empty."""
    attempts: Annotated[int, Field(ge=1, le=10)] = 4
    """How often it is tried: again after network errors, HTTP 429 and 5xx only."""
    timeout_s: Annotated[int, Field(ge=1, le=300)] = 30
    """After so many seconds, with all attempts, it is given up."""


class _Worded(_Channel):
    template: Template | None = None
    """The text below the headline, instead of keelway's own: `{{version}}`, `{{reason}}` and the
    other fields of an entry. Values are escaped; what stands around them is sent as it is.
    """


class SlackConfig(_Worded):
    """A message in Slack, by an incoming webhook."""

    kind: Literal["slack"]
    """Slack."""
    url: SecretSource
    """The webhook's address, which is a secret: who knows it can post."""


class TeamsConfig(_Worded):
    """A card in Microsoft Teams, by a Workflows webhook (connectors were retired)."""

    kind: Literal["teams"]
    """Microsoft Teams."""
    url: SecretSource
    """The address that Workflows gave to "when a Teams webhook request is received": a secret."""


class DiscordConfig(_Worded):
    """A message in Discord, by a channel's webhook."""

    kind: Literal["discord"]
    """Discord."""
    url: SecretSource
    """The webhook's address: a secret."""


class EmailConfig(_Worded):
    """An e-mail."""

    kind: Literal["email"]
    """E-mail by SMTP."""
    host: Text
    """The mail server."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Its port; by `tls` when absent: 587, 465 or 25."""
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    """How the connection is encrypted. `"none"` takes no login, but on this very machine."""
    username: Text | None = None
    """Whom to log in as."""
    password: SecretSource | None = None
    """The password."""
    sender: Address
    """From whom it is."""
    to: Annotated[tuple[Address, ...], Field(min_length=1)]
    """Who gets it."""

    @model_validator(mode="after")
    def _login_is_whole(self) -> Self:
        if (self.username is None) != (self.password is None):
            msg = "username and password go together: give both, or neither"
            raise ValueError(msg)
        return self


class WebhookConfig(_Channel):
    """The entry as JSON, to any address, signed as the Standard Webhooks specification says."""

    kind: Literal["webhook"]
    """Any webhook."""
    url: SecretSource
    """Where it is sent."""
    secret: SecretSource | None = None
    """What it is signed with (HMAC-SHA256): `whsec_` with base64, or any text."""


class _GitHub(_Channel):
    token: SecretSource
    """A token that may write deployments, or statuses: `"env://GITHUB_TOKEN"`."""
    repository: Repository | None = None
    """`owner/name`; that of the CI's job when absent."""
    api: Annotated[str, StringConstraints(pattern=r"^https?://[^\s@]+$")] | None = None
    """Address of the REST API; that of the CI's job, else GitHub's own, when absent."""


class GitHubDeploymentConfig(_GitHub):
    """A deployment in GitHub, with a status each time it changes."""

    kind: Literal["github-deployment"]
    """GitHub's deployments."""
    on: Annotated[tuple[OccasionText, ...], Field(min_length=1)] = (
        "deploy:started", "deploy", "rollback:started", "rollback",
    )  # fmt: skip
    """When it is told; see `on` of the others."""
    environment_url: Annotated[str, StringConstraints(pattern=r"^https?://\S+$")] | None = None
    """Where people reach what was deployed."""


class GitHubStatusConfig(_GitHub):
    """A status of the commit in GitHub."""

    kind: Literal["github-status"]
    """GitHub's commit statuses."""
    on: Annotated[tuple[OccasionText, ...], Field(min_length=1)] = ("started", *ENDS)
    """When it is told; see `on` of the others."""
    label: Annotated[Text, StringConstraints(max_length=100)] = "keelway"
    """What the status is called; event and environment follow it after slashes."""


NotifyConfig = Annotated[
    SlackConfig | TeamsConfig | DiscordConfig | EmailConfig | WebhookConfig
    | GitHubDeploymentConfig | GitHubStatusConfig,
    Field(discriminator="kind"),
]  # fmt: skip
