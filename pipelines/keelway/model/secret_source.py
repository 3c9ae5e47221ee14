"""Where a secret comes from, shown without what may be the secret itself.

People paste values where names belong, and a command line may hold one.

Example:
    >>> shown_source("env://NPM_TOKEN"), shown_source("cmd://vault read token")
    ('env://NPM_TOKEN', 'cmd://vau...')
"""

import re

_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_SHOWN = 3


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
