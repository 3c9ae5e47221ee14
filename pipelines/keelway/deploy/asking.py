"""One HTTP request to what was deployed: from its host, or from this machine."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx

from keelway._tools.curl import get_argv, parse_answer, was_asked
from keelway.deploy.host import HostError, LocalHost
from keelway.deploy.verdicts import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.deploy.host import Host

_SPARE_S = 10
"""What a host gets beyond the time of the request: for the way there, and the start of curl."""


async def ask(
    host: Host, url: str, *, timeout_s: float, headers: Mapping[str, str] | None = None
) -> Answer:
    """Return what a URL answers as a host sees it; nothing is followed, and nothing is raised.

    Args:
        host: Who asks. This machine asks by itself; any other one by curl.
        url: What is asked.
        timeout_s: After so many seconds there is no answer.
        headers: What is sent with it.
    """
    if isinstance(host, LocalHost):
        return await _ask_here(url, timeout_s, headers)
    try:
        ran = await host.run(
            get_argv(url, timeout_s=timeout_s, headers=headers), timeout_s=timeout_s + _SPARE_S
        )
    except HostError as error:
        return Answer(asked=False, said=error.message)
    if ran.code:
        said = ran.stderr.decode(errors="replace").strip() or f"curl ended with {ran.code}"
        return Answer(asked=was_asked(ran.code), said=said)
    try:
        status, took_s, body = parse_answer(ran.stdout.decode(errors="replace"))
    except ValueError as error:
        return Answer(asked=False, said=str(error))
    return Answer(status=status, took_s=took_s, body=body)


async def _ask_here(url: str, timeout_s: float, headers: Mapping[str, str] | None) -> Answer:
    began = time.monotonic()
    try:
        async with httpx.AsyncClient(timeout=timeout_s, trust_env=False) as client:
            response = await client.get(url, headers=dict(headers or {}))
    except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        return Answer(asked=False, said=str(error))
    except httpx.HTTPError as error:
        return Answer(said=str(error) or type(error).__name__)
    return Answer(status=response.status_code, body=response.text, took_s=time.monotonic() - began)
