"""[[registries]]: where images are published."""

from typing import Annotated, Self

from pydantic import AfterValidator, model_validator

from keelway.config.section import SecretSource, Section, Text
from keelway.tags.reference import BadReferenceError, parse_repository


def _repository(value: str) -> str:
    # A prefix: "localhost:5000/demo" is one, and so is the bare host "registry.example.com".
    try:
        parse_repository(f"{value.rstrip('/')}/image")
    except BadReferenceError as error:
        raise BadReferenceError(str(error).replace("/image'", "'", 1)) from error
    return value


class RegistryConfig(Section):
    """A registry to publish to, and how to log in."""

    url: Annotated[Text, AfterValidator(_repository)]
    """Prefix of the repositories, without a scheme. The image's name is appended after a slash."""
    username: Text | None = None
    """Whom to log in as. Without it, the logins of the machine's own Docker config are used."""
    password: SecretSource | None = None
    """Where the password is read: `env://NAME`, `file://PATH`, `cmd://COMMAND`, or a store's
    address, as for build secrets.
    """

    @model_validator(mode="after")
    def _login_is_whole(self) -> Self:
        if (self.username is None) != (self.password is None):
            msg = "username and password go together: give both, or neither"
            raise ValueError(msg)
        return self
