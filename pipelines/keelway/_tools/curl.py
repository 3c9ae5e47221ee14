"""curl: asks a URL on a machine that has nothing else to ask with.

Example:
    >>> get_argv("http://127.0.0.1:8080/health", timeout_s=5)[-1]
    'http://127.0.0.1:8080/health'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# https://curl.se/libcurl/c/libcurl-errors.html
_NOT_ASKED = {1, 2, 3, 4, 5, 6, 26, 27, 41, 43, 60, 77, 126, 127}
"""Codes that say nothing of the service: a wrong URL, an unknown name or certificate, no curl."""

_TOLD = "\nkeelway:"


def get_argv(
    url: str, *, timeout_s: float, headers: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Return what asks a URL once and tells status and time behind the body.

    Args:
        url: What is asked.
        timeout_s: After so many seconds it gives up.
        headers: What is sent with it.
    """
    sent = [word for item in (headers or {}).items() for word in ("--header", ": ".join(item))]
    return (
        "curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", f"{timeout_s:g}",
        "--max-filesize", "1048576", *sent,
        "--write-out", f"{_TOLD}%{{http_code}} %{{time_total}}", "--url", url,
    )  # fmt: skip


def was_asked(code: int) -> bool:
    """Return whether an exit code other than 0 tells something of the service."""
    return code not in _NOT_ASKED


def parse_answer(text: str) -> tuple[int, float, str]:
    r"""Return the status, the seconds that it took, and the body.

    >>> parse_answer('{"status": "ok"}\nkeelway:200 0.0125')
    (200, 0.0125, '{"status": "ok"}')

    Raises:
        ValueError: It is not what curl was asked to print.
    """
    body, told, numbers = text.rpartition(_TOLD)
    if not told:
        raise ValueError("status and time are missing")
    status, took = numbers.split()
    return int(status), float(took), body
