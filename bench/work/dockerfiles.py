"""A Dockerfile of two stages side by side and a third that takes from both."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from bench.lab import clock, nonce
from bench.rows import Row, Work

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bench.lab import Lab

DOCKERFILE_TEXT = """\
FROM scratch AS base
COPY rootfs /

FROM base AS one
COPY early.txt /early.txt
RUN sleep 1
RUN mkdir /one && cp /early.txt /one/early.txt

FROM base AS two
COPY early.txt /early.txt
RUN sleep 1 && true
RUN mkdir /two && cp /early.txt /two/early.txt

FROM base
WORKDIR /app
COPY --from=one /one /app/one
COPY --from=two /two /app/two
RUN cat one/early.txt two/early.txt > all.txt
COPY late.txt /app/late.txt
RUN cat late.txt >> all.txt
RUN test -s all.txt
"""
"""14 steps, FROM not counted."""


async def dockerfile(lab: Lab) -> Mapping[str, float]:
    """Build with nothing cached, with all of it, and after an edit of what is copied late."""
    context = lab.folder / "context"
    shutil.copytree(lab.rootfs, context / "rootfs", symlinks=True)
    (context / "Dockerfile").write_text(DOCKERFILE_TEXT)
    for name in ("early.txt", "late.txt"):
        (context / name).write_text(nonce())
    cold = await build(lab, context)
    warm = await build(lab, context)
    (context / "late.txt").write_text(nonce())
    late = await build(lab, context)
    return {"dockerfile-cold": cold, "dockerfile-warm": warm, "dockerfile-late": late}


async def build(lab: Lab, context: Path) -> float:
    """Return the seconds that a build takes in a new session."""
    async with lab.session() as (client, _):
        with clock() as taken:
            await client.host().directory(str(context)).docker_build().sync()
    return taken.seconds


DOCKERFILE = Work(
    measure=dockerfile,
    rows=(
        Row(
            name="dockerfile-cold",
            title="Dockerfile of 14 steps, two sleep 1 s: cold",
            dagger=(2.6, 2.6),
            share=0.6,
        ),
        Row(name="dockerfile-warm", title="  warm", dagger=(0.01, 0.02), share=1),
        Row(name="dockerfile-late", title="  one late edit", dagger=(0.09, 0.11), share=0.6),
    ),
)
