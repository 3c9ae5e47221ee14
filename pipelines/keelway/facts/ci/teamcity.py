"""TeamCity.

Parameters: https://www.jetbrains.com/help/teamcity/predefined-build-parameters.html
Few of them are environment variables: the rest is in the file of system properties, which
TEAMCITY_BUILD_PROPERTIES_FILE names, and in the file of configuration parameters, which that names.
Of pull requests the build feature tells: https://www.jetbrains.com/help/teamcity/pull-requests.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from keelway.facts.ci.job import (
    CiJob,
    Provider,
    branch_ref,
    marked,
    parse_ref,
    pull_ref,
    pushed,
    told,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.facts.ci.job import Read
    from keelway.tags.occasion import GitRef

_CONFIGURATION = "teamcity.configuration.properties.file"
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)")
_LETTERS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


def _read(environ: Mapping[str, str], read: Read) -> CiJob:
    known = _parameters(environ, read)
    ref = _ref(known)
    is_pull = ref is not None and ref.kind == "pull_request"
    branch = ref.name if ref is not None and ref.kind == "branch" else None
    is_default = known.get("teamcity.build.branch.is_default") == "true"
    target = known.get("teamcity.pullRequest.target.branch", "")
    return CiJob(
        provider="teamcity",
        title="TeamCity",
        event="pull_request" if is_pull else pushed(ref),
        ref=ref,
        sha=known.get("build.vcs.number") or told(environ, "BUILD_VCS_NUMBER"),
        base_ref=target.removeprefix("refs/heads/"),
        default_branch=branch if is_default else None,
        fork=None,
        repository=known.get("vcsroot.url"),
        run_url=told(environ, "BUILD_URL"),
        actor=known.get("teamcity.build.triggeredBy.username"),
        sha_variable="BUILD_VCS_NUMBER",
        ref_variable="teamcity.build.vcs.branch",
    )


def _parameters(environ: Mapping[str, str], read: Read) -> Mapping[str, str]:
    path = told(environ, "TEAMCITY_BUILD_PROPERTIES_FILE")
    system = parse_properties(read(path) or "") if path else {}
    more = system.get(_CONFIGURATION)
    return {**system, **(parse_properties(read(more) or "") if more else {})}


def _ref(known: Mapping[str, str]) -> GitRef | None:
    number = known.get("teamcity.pullRequest.number")
    if number:
        return pull_ref(number)
    full = next(
        (value for name, value in known.items() if name.startswith("teamcity.build.vcs.branch")),
        None,
    )
    branch = known.get("teamcity.build.branch")
    named = None if branch in {None, "", "<default>"} else branch
    return parse_ref(full) or parse_ref(named) or branch_ref(named)


def parse_properties(text: str) -> dict[str, str]:
    r"""Return what a file of Java properties says, as far as TeamCity writes them.

    >>> parse_properties("#made\nteamcity.build.branch=feature/a\\:b\n")
    {'teamcity.build.branch': 'feature/a:b'}
    """
    found: dict[str, str] = {}
    for line in text.splitlines():
        key, equals, value = line.strip().partition("=")
        if equals and not key.startswith(("#", "!")):
            found[_plain(key)] = _plain(value)
    return found


def _plain(text: str) -> str:
    return _ESCAPE.sub(_unescaped, text.strip())


def _unescaped(found: re.Match[str]) -> str:
    escaped = found[1]
    if len(escaped) > 1:
        return chr(int(escaped[1:], 16))
    return _LETTERS.get(escaped, escaped)


PROVIDER = Provider(name="teamcity", title="TeamCity", mark=marked("TEAMCITY_VERSION"), read=_read)
