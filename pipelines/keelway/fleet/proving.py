"""A release by several engines: each proves what it is at home with; the proofs are published.

What travels is what `keelway prove` and `keelway assemble` exchange between machines of a CI:
images by digest, with all that was found of them. Caches stay where they are.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from keelway._registries import mirror_settings
from keelway._stage import Run, stage
from keelway._together import each
from keelway.errors import SessionError
from keelway.fleet.planning import FOLDER
from keelway.fleet.told import ToldAs
from keelway.proof.assembling import AssembleSpec, assemble
from keelway.proof.making import Made, prove
from keelway.session import open_session

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import dagger

    from keelway._engines import Given
    from keelway.fleet.planning import FleetGroup
    from keelway.fleet.spec import FleetSpec
    from keelway.model.engine_address import EngineAddress
    from keelway.model.events import Observer
    from keelway.model.release import Report
    from keelway.planning import Plan

STAGE = "fleet"


async def release(run: Run, plan: Plan, *, spec: FleetSpec) -> Report:
    """Return the report of a release whose platforms were built and judged on their own engines.

    Args:
        run: The run; its engine puts together and publishes.
        plan: What `plan_release` decided for all platforms.
        spec: Who does what of it.

    Raises:
        SessionError: All engines of a platform were lost; tells of each.
        GateError: The images must not be published, and were not.
        KeelwayError: Something broke.
    """
    proofs = await prove_all(run, spec)
    found = AssembleSpec(
        folder=Path(spec.directory) / FOLDER,
        digests=tuple(str(made.digest) for made in proofs),
        source=spec.source,
        directory=spec.directory,
    )
    return await assemble(run, plan, spec=found)


@stage(STAGE)
async def prove_all(run: Run, spec: FleetSpec) -> tuple[Made, ...]:
    """Return the proofs of all engines, which work side by side.

    Raises:
        SessionError: All engines of a platform were lost; tells of each.
        GateError: The images of one must not be published.
        KeelwayError: Something broke.
    """
    # Engines are started one after the other: the SDK is told which by the environment.
    starting = anyio.Lock()

    async def work(group: FleetGroup) -> Made:
        return await _prove(run, spec, group, starting)

    groups = spec.plan.groups
    watched = run.watched(STAGE, lambda group: ", ".join(group.assigned.platforms), work)
    return await each(watched, groups, limit=len(groups))


async def _prove(run: Run, spec: FleetSpec, group: FleetGroup, starting: anyio.Lock) -> Made:
    """Return the proof of one engine, or of who takes over when it is lost."""
    lost: list[tuple[EngineAddress, SessionError]] = []
    assigned = group.assigned
    where = ", ".join(assigned.platforms)
    for engine in assigned.engines:
        observer = ToldAs(run.observer, where, session=f"{assigned.key}-{len(lost)}")
        try:
            async with _opened(engine, observer, spec, group, starting) as (own, name):
                run.say(STAGE, f"{where}: {engine} ({name})")
                there = replace(run, dag=own, observer=observer)
                return await prove(there, group.plan, source=spec.source, directory=group.directory)
        except SessionError as error:
            lost.append((engine, error))
            run.say(STAGE, f"{where}: {engine} is lost: {error}")
    raise SessionError(
        f"no engine is left for {where}",
        why="\n".join(f"{engine}: {error.why or error}" for engine, error in lost),
        tried=[f"{engine}: {error}" for engine, error in lost],
        next_step="bring one of them back, or name another one in [engines]",
    )


@asynccontextmanager
async def _opened(
    engine: EngineAddress,
    observer: Observer,
    spec: FleetSpec,
    group: FleetGroup,
    starting: anyio.Lock,
) -> AsyncGenerator[tuple[dagger.Client, str]]:
    """Give a session of an engine."""
    settings = mirror_settings(group.plan.mirrors)
    async with AsyncExitStack() as stack:
        at: EngineAddress | Given = engine
        if engine.ssh is not None:
            from keelway.fleet.reaching import Wanted, reached  # noqa: PLC0415 - not for others

            wanted = Wanted(
                engine=engine,
                ssh=group.ssh,
                platforms=group.assigned.platforms,
                version=spec.source.keelway,
                settings={**settings, **group.settings},
            )
            at = await stack.enter_async_context(reached(wanted, observer))
        async with starting:
            opening = open_session(observer=observer, settings=settings, at=at)
            session = await stack.enter_async_context(opening)
        yield session.client, f"{session.name} {session.version}"
