"""A pull request, by the API of GitHub or GitLab; one that is open already is taken.

https://docs.github.com/rest/pulls/pulls, https://docs.gitlab.com/api/merge_requests/
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast
from urllib.parse import quote

import anyio
import httpx

from keelway.errors import redact
from keelway.gitops.problem import GitOpsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.gitops.spec import PullRequestSpec

_TRIES = 5
_PAUSE_S = 0.5
_TIMEOUT_S = 30
_BUSY = 429
_BROKEN = 500
_MADE = range(200, 300)
_THERE_ALREADY = frozenset({409, 422})


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What is asked for."""

    title: str
    body: str
    branch: str
    """What is to be merged."""
    onto: str
    """Where to."""


async def open_pull_request(spec: PullRequestSpec, token: str, proposal: Proposal) -> str:
    """Return the address of the pull request that is open for a branch now.

    Raises:
        GitOpsError: The server refused it, or could not be reached.
    """
    async with httpx.AsyncClient(headers=_headers(spec, token), timeout=_TIMEOUT_S) as client:
        answer = await _asked(client, "POST", _collection(spec), token, json=_body(spec, proposal))
        if answer.status_code in _MADE:
            return _address(spec, answer.json())
        if answer.status_code in _THERE_ALREADY:
            listed = await _asked(
                client, "GET", _collection(spec), token, params=_query(spec, proposal)
            )
            found: object = listed.json() if listed.status_code in _MADE else None
            if isinstance(found, list) and found:
                return _address(spec, cast("list[object]", found)[0])
    raise GitOpsError(
        f"{proposal.branch} is pushed, but {spec.provider} opened no pull request for it",
        why=redact(f"{answer.status_code}: {answer.text[:500]}", [token]),
        next_step="open it by hand, or correct pull_request and run it again",
    )


async def _asked(
    client: httpx.AsyncClient,
    method: Literal["GET", "POST"],
    url: str,
    token: str,
    *,
    json: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
) -> httpx.Response:
    for tried in range(_TRIES):
        last = tried == _TRIES - 1
        try:
            answer = await client.request(method, url, json=json, params=params)
        except httpx.TransportError as error:
            if last:
                why = redact(str(error) or type(error).__name__, [token])
                raise GitOpsError(f"{url} cannot be reached", why=why) from error
        else:
            if last or (answer.status_code != _BUSY and answer.status_code < _BROKEN):
                return answer
        await anyio.sleep(_PAUSE_S * 2**tried)
    raise AssertionError("the last try returns or raises")


def _headers(spec: PullRequestSpec, token: str) -> dict[str, str]:
    if spec.provider == "gitlab":
        return {"PRIVATE-TOKEN": token}
    return {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}


def _collection(spec: PullRequestSpec) -> str:
    if spec.provider == "gitlab":
        return f"{spec.api}/projects/{quote(spec.repository, safe='')}/merge_requests"
    return f"{spec.api}/repos/{spec.repository}/pulls"


def _body(spec: PullRequestSpec, proposal: Proposal) -> dict[str, str]:
    names = ("source_branch", "target_branch", "description")
    if spec.provider == "github":
        names = ("head", "base", "body")
    head, base, body = names
    return {
        "title": proposal.title,
        head: proposal.branch,
        base: proposal.onto,
        body: proposal.body,
    }


def _query(spec: PullRequestSpec, proposal: Proposal) -> dict[str, str]:
    if spec.provider == "gitlab":
        return {
            "source_branch": proposal.branch,
            "target_branch": proposal.onto,
            "state": "opened",
        }
    owner = spec.repository.partition("/")[0]
    return {"head": f"{owner}:{proposal.branch}", "base": proposal.onto, "state": "open"}


def _address(spec: PullRequestSpec, answer: object) -> str:
    key = "web_url" if spec.provider == "gitlab" else "html_url"
    found = cast("Mapping[str, object]", answer).get(key) if isinstance(answer, dict) else None
    return str(found) if found else spec.api
