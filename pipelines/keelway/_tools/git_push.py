r"""What git says of a push, and of an exchange with a remote that failed.

Example:
    >>> parse_push("To example\n!\tHEAD:refs/heads/main\t[rejected] (fetch first)\nDone\n").raced
    True
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# A line of `git push --porcelain`: flag, refs, summary.
_LINE = re.compile(r"^(?P<flag>[ +*=!-])\t(?P<refs>[^\t]+)\t(?P<summary>.*)$", re.MULTILINE)
# Said when somebody else's push came between, by either side.
_RACES = (
    "fetch first", "non-fast-forward", "stale info", "failed to update ref", "cannot lock ref",
    "failed to lock", "incorrect old value", "reference already exists",
)  # fmt: skip
_LOST = re.compile(
    r"could not resolve host|temporary failure in name resolution|connection (refused|reset|timed"
    r" out)|failed to connect|operation timed out|timed out|early eof|unexpected disconnect"
    r"|hung up unexpectedly|connection closed by|kex_exchange_identification|no end after"
    r"|(http|returned error:?) (5\d\d|429)",
    re.IGNORECASE,
)
_REFUSED = re.compile(
    r"permission denied|host key verification failed|authentication failed", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """What became of a push."""

    arrived: bool
    """Whether the remote has it now."""
    raced: bool
    """Whether it was refused for somebody else's, so that it is to be done again on top of that."""
    reason: str
    """Why it was refused, in the remote's words; empty for one that arrived."""


def parse_push(stdout: str) -> Pushed:
    """Return what became of a push of one branch, from `git push --porcelain`."""
    found = [line for line in _LINE.finditer(stdout) if line["flag"] == "!"]
    if found:
        summary = found[0]["summary"]
        raced = any(words in summary for words in _RACES)
        return Pushed(arrived=False, raced=raced, reason=summary)
    return Pushed(arrived=_LINE.search(stdout) is not None, raced=False, reason="")


def is_passing(complaint: str) -> bool:
    """Return whether what git complains of may pass: the network, a server that is overloaded."""
    return _LOST.search(complaint) is not None and _REFUSED.search(complaint) is None


def parse_remote_words(stderr: str) -> str:
    """Return what the remote's hooks said, without git's own lines around it."""
    lines = (line.removeprefix("remote:") for line in stderr.splitlines() if "remote:" in line[:7])
    return "\n".join(line.strip() for line in lines if line.strip())
