"""[[registries]]: where images are published."""

from typing import Annotated, Self

from pydantic import AfterValidator, model_validator

from keelway.config.section import SecretSource, Section, Text
from keelway.model.registry import Provider
from keelway.tags.reference import BadReferenceError, parse_repository

_BY_ACCOUNT: tuple[Provider, ...] = ("token", "harbor")
_WITHOUT_NAME: tuple[Provider, ...] = ("ghcr", "gar", "acr", "quay", "gitlab")


def _repository(value: str) -> str:
    # A prefix: "localhost:5000/demo" is one, and so is the bare host "registry.example.com".
    try:
        parse_repository(f"{value.rstrip('/')}/image")
    except BadReferenceError as error:
        raise BadReferenceError(str(error).replace("/image'", "'", 1)) from error
    return value


RepositoryPrefix = Annotated[Text, AfterValidator(_repository)]


class RegistryConfig(Section):
    """A registry to publish to, and how to log in."""

    url: RepositoryPrefix
    """Prefix of the repositories, without a scheme. The image's name is appended after a slash."""
    mirrors: tuple[RepositoryPrefix, ...] = ()
    """Prefixes where the same images may be read when this registry does not answer, as a
    pull-through cache has them. What comes from there is held against its digest.
    """
    fallback: RepositoryPrefix | None = None
    """Prefix of a second place: everything is published there as well, with its evidence, so that
    this registry can be restored from it.
    """
    login: Provider | None = None
    """How to log in: by the machine's own Docker config and its credential helpers
    (`docker-config`), by username and password (`token`), or as the provider wants it. Without it,
    username and password count, then the machine's logins, then the provider whose name the host
    has: a job's `GITHUB_TOKEN` for `ghcr.io`, the AWS keys of the environment for ECR.
    """
    username: Text | None = None
    """Whom to log in as."""
    password: SecretSource | None = None
    """Where the password is read: `env://NAME`, `file://PATH`, `cmd://COMMAND`, or a store's
    address, as for build secrets.
    """

    @model_validator(mode="after")
    def _login_is_whole(self) -> Self:
        alone = self.username is None and self.login in _WITHOUT_NAME
        if (self.username is None) != (self.password is None) and not alone:
            msg = "username and password go together: give both, or neither"
            raise ValueError(msg)
        if self.login in _BY_ACCOUNT and self.password is None:
            msg = f'login = "{self.login}" needs username and password'
            raise ValueError(msg)
        if self.login == "docker-config" and self.password is not None:
            msg = 'login = "docker-config" has its password there: remove username and password'
            raise ValueError(msg)
        return self
