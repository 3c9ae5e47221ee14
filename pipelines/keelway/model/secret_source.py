"""Where a secret comes from, shown without what may be the secret itself.

People paste values where names belong, and a command line may hold one.

Example:
    >>> shown_source("env://NPM_TOKEN"), shown_source("cmd://vault read token")
    ('env://NPM_TOKEN', 'cmd://vau...')
"""

import re
from collections.abc import Mapping

_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_SHOWN = 3
# Each store's own program, which prints the secret.
_PROGRAMS: Mapping[str, str] = {
    "op": "op read op://VAULT/ITEM/FIELD",
    "vault": "vault kv get -mount=MOUNT -field=FIELD PATH",
    "aws+sm": "aws secretsmanager get-secret-value --secret-id NAME --query SecretString "
    "--output text",
    "aws+ps": "aws ssm get-parameter --name NAME --with-decryption --query Parameter.Value "
    "--output text",
    "gcp": "gcloud secrets versions access latest --secret=NAME",
    "libsecret": "secret-tool lookup ATTRIBUTE VALUE",
}
# Those that every engine reads, and what says where they are and who asks.
_READ_BY_ALL: Mapping[str, str] = {
    "vault": "VAULT_ADDR and VAULT_TOKEN say",
    "aws+sm": "AWS_REGION and the AWS keys of the environment say",
    "aws+ps": "AWS_REGION and the AWS keys of the environment say",
}


def shown_variable(name: str) -> str:
    """Return the name of a variable, or the first letters of what does not look like one."""
    return name if _VARIABLE.fullmatch(name) else f"{name[:_SHOWN]}..."


def shown_source(source: str) -> str:
    """Return the address for people: paths and names of variables whole, commands only begun."""
    scheme, separator, rest = source.partition("://")
    if not separator:
        return f"{source[:_SHOWN]}..."
    if scheme == "file":
        return source
    return f"{scheme}://{shown_variable(rest) if scheme == 'env' else f'{rest[:_SHOWN]}...'}"


def by_command(source: str) -> str | None:
    """Return how a store's secret is had where the engine does not read that store.

    Args:
        source: The secret's address; for one that is in no store there is nothing to say.
    """
    scheme = source.partition("://")[0]
    program = _PROGRAMS.get(scheme)
    if program is None:
        return None
    if scheme in _READ_BY_ALL:
        return f"log in to the store, as {_READ_BY_ALL[scheme]}; or let its own program do it: cmd://{program}"
    return (
        "log in to the store, and let an engine that reads it do the work (--engine dagger); "
        f"or take the secret by the store's own program: cmd://{program}"
    )
