"""A service started for one request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.lab import clock, nonce
from bench.rows import Row, Work

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.lab import Lab


async def service(lab: Lab) -> Mapping[str, float]:
    """Start a web server, bind it to a command, and fetch a page of it there."""
    async with lab.session() as (_, base):
        server = (
            base.with_env_variable("NONCE", nonce())
            .with_exposed_port(8080)
            .as_service(args=["httpd", "-f", "-p", "8080", "-h", "/www"])
        )
        client = base.with_service_binding("www", server)
        with clock() as taken:
            page = client.with_exec(["wget", "-q", "-O-", "http://www:8080/index.html"])
            assert await page.stdout() == "served\n"
    return {"service": taken.seconds}


SERVICE = Work(
    measure=service,
    rows=(
        Row(
            name="service",
            title="service start, binding and one request",
            dagger=(0.24, 0.24),
            share=0.5,
        ),
    ),
)
