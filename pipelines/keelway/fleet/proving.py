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
from keelway.fleet.planning import FOLDER, TESTS
from keelway.fleet.told import ToldAs
from keelway.proof.assembling import AssembleSpec, assemble, take_proofs
from keelway.proof.making import Made, prove, prove_tests
from keelway.running import PIPELINE
from keelway.session import open_session

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

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
    fleet = _Fleet(run, spec)
    made = await _each(run, spec.plan.groups, fleet.build)
    digests = tuple(str(one.digest) for one in made)

    async def test(group: FleetGroup) -> Made:
        return await fleet.test(group, digests)

    return (*made, *await _each(run, spec.plan.tests, test))


async def _each(
    run: Run, groups: tuple[FleetGroup, ...], work: Callable[[FleetGroup], Awaitable[Made]]
) -> tuple[Made, ...]:
    watched = run.watched(STAGE, _label, work)
    return await each(watched, groups, limit=len(groups))


def _label(group: FleetGroup) -> str:
    return f"{group.assigned.label}{', tests' if group.assigned.part == TESTS else ''}"


class _Fleet:
    """The engines of a release."""

    def __init__(self, run: Run, spec: FleetSpec) -> None:
        """Nothing is started yet."""
        self._run = run
        self._spec = spec
        # Engines are started one after the other: the SDK is told which by the environment.
        self._starting = anyio.Lock()
        self._builds: dict[str, anyio.CapacityLimiter] = {}
        for assigned in (group.assigned for group in spec.plan.groups):
            for engine in assigned.engines:
                known = self._builds.setdefault(engine.text, anyio.CapacityLimiter(assigned.builds))
                known.total_tokens = min(known.total_tokens, assigned.builds)

    async def build(self, group: FleetGroup) -> Made:
        """Return the proof of images that an engine builds and judges."""

        async def work(run: Run) -> Made:
            source, directory = self._spec.source, group.directory
            return await prove(run, group.plan, source=source, directory=directory)

        return await self._somewhere(group, work)

    async def test(self, group: FleetGroup, digests: tuple[str, ...]) -> Made:
        """Return the proof that images which several have built pass their tests together."""
        source, directory = self._spec.source, group.directory
        proofs = AssembleSpec(
            folder=Path(self._spec.directory) / FOLDER,
            digests=digests,
            source=source,
            directory=directory,
        )

        async def work(run: Run) -> Made:
            taken = await take_proofs(run, proofs, group.plan)
            images = taken.built(run)
            return await prove_tests(run, group.plan, images, source=source, directory=directory)

        return await self._somewhere(group, work)

    async def _somewhere(self, group: FleetGroup, work: Callable[[Run], Awaitable[Made]]) -> Made:
        """Return what one engine gives, or who takes over when it is lost."""
        lost: list[tuple[EngineAddress, SessionError]] = []
        run, assigned, where = self._run, group.assigned, _label(group)
        for engine in assigned.engines:
            observer = ToldAs(run.observer, where, session=f"{assigned.key}-{len(lost)}")
            try:
                async with self._opened(engine, observer, group) as (own, name):
                    run.say(STAGE, f"{where}: {engine} ({name})")
                    limit = self._builds.get(engine.text)
                    return await work(replace(run, dag=own, observer=observer, builds=limit))
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
        self, engine: EngineAddress, observer: Observer, group: FleetGroup
    ) -> AsyncGenerator[tuple[dagger.Client, str]]:
        """Give a session of an engine."""
        settings = {**mirror_settings(group.plan.mirrors), PIPELINE: group.plan.project}
        async with AsyncExitStack() as stack:
            at: EngineAddress | Given = engine
            if engine.ssh is not None:
                from keelway.fleet.reaching import Wanted, reached  # noqa: PLC0415 - not for others

                wanted = Wanted(
                    engine=engine,
                    ssh=group.ssh,
                    platforms=group.assigned.platforms,
                    version=self._spec.source.keelway,
                    settings={**settings, **group.settings},
                )
                at = await stack.enter_async_context(reached(wanted, observer))
            async with self._starting:
                opening = open_session(observer=observer, settings=settings, at=at)
                session = await stack.enter_async_context(opening)
            yield session.client, f"{session.name} {session.version}"
