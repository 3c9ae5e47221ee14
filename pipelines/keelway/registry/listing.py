"""All tags of a repository (OCI distribution specification 1.1, "Listing Tags")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from keelway.errors import RegistryError
from keelway.registry.transport import Transport
from keelway.tags.reference import parse_repository

if TYPE_CHECKING:
    from keelway.registry.logins import Login
    from keelway.registry.transport import Answer

_NOT_FOUND = 404
_MOST_PAGES = 1000


class _List(BaseModel):
    """The answer, of which some registries leave the list out where it is empty."""

    tags: list[str] | None = None


async def list_tags(name: str, *, login: Login | None, stage: str) -> tuple[str, ...]:
    """Return the tags of a repository, named as `host[:port]/path`; none when it is not there.

    Args:
        name: The repository.
        login: Whom to log in as, where the registry asks.
        stage: Which stage it is for, for errors.

    Raises:
        BadReferenceError: The name is none.
        RegistryError: The registry refuses, or its answer is no list.
    """
    parsed = parse_repository(name)
    scope = f"repository:{parsed.path}:pull"
    url = f"/v2/{parsed.path}/tags/list"
    found: list[str] = []
    async with Transport(parsed.host, login, stage=stage) as transport:
        for _ in range(_MOST_PAGES):
            answer = await transport.send("GET", url, scope=scope)
            if answer.status == _NOT_FOUND:
                break
            if not answer.ok:
                raise transport.refused(f"to list the tags of {name}", answer)
            found += _tags(answer, name, stage)
            following = _next_page(answer)
            if following is None:
                break
            url = following
    return tuple(found)


def _tags(answer: Answer, name: str, stage: str) -> list[str]:
    try:
        listed = _List.model_validate_json(answer.data)
    except ValidationError as error:
        raise RegistryError(
            f"{name} answered no list of tags", stage=stage, why=answer.text[:200] or None
        ) from error
    return listed.tags or []


def _next_page(answer: Answer) -> str | None:
    """Return the address of the next page (RFC 8288, `rel="next"`)."""
    link = answer.headers.get("link", "")
    if 'rel="next"' not in link:
        return None
    return link.partition("<")[2].partition(">")[0] or None
