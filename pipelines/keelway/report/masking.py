"""Instructions and commands of others without what looks like a secret in them.

An instruction that writes a password into an image is in the image's history, word for word; that
is bad enough, and no reason to put it into a report that is shown around. Values of secrets that
were given as secrets never come here: the engine masks them.
"""

from __future__ import annotations

import re

from keelway.errors import redact

_MASK = "***"
_WORD = (
    r"[\w.-]{0,60}(?:passw|passphrase|secret|token|credential|api[_-]?key|access[_-]?key"
    r"|private[_-]?key)[\w.-]{0,60}"
)
_VALUE = r"(\"[^\"]*\"|'[^']*'|[^\s\"';|&,]+)"
# `DB_PASSWORD=x`, `aws_access_key_id = "x"`, and `--token x`.
_ASSIGNED = re.compile(rf"(?i)({_WORD}[\"']?\s{{0,3}}[=:]\s{{0,3}}){_VALUE}")
_OPTION = re.compile(rf"(?i)((?<!\S)--?{_WORD}\s{{1,3}}){_VALUE}")
# Forms that issuers gave their tokens so that they can be found: AWS, GitHub, GitLab, Slack,
# Google, npm, PyPI, and a JSON web token.
_KNOWN = re.compile(
    r"\b(?:(?:AKIA|ASIA)[0-9A-Z]{16}|gh[opsur]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{20,}"
    r"|xox[abeprs]-[\w-]{10,}|AIza[\w-]{35}|npm_\w{36}|pypi-[\w-]{20,}"
    r"|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]+)"
)


def masked(text: str) -> str:
    """Return a command or an instruction with what looks like a secret masked.

    >>> masked("RUN echo 'aws_access_key_id = AKIAIOSFODNN7EXAMPLE' > /srv/credentials")
    "RUN echo 'aws_access_key_id = ***' > /srv/credentials"
    >>> masked("RUN --mount=type=secret,id=token pip install --token abc x")
    'RUN --mount=type=secret,id=token pip install --token *** x'
    """
    text = _ASSIGNED.sub(rf"\g<1>{_MASK}", redact(text))
    return _KNOWN.sub(_MASK, _OPTION.sub(rf"\g<1>{_MASK}", text))
