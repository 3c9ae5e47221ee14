"""A compose project that is developed: it runs as for tests, tells what it does, and takes orders.

async with Workbench(run, spec, images, hub) as bench:
await bench.carry_out([Order(service="web", restart=True)])
await bench.renew("web", build)
"""

from __future__ import annotations

import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from keelway._stage import failures_of
from keelway._together import each
from keelway.develop.hub import reporter
from keelway.develop.orders import (
    FORGET,
    HURRY,
    LATE,
    LOCATE,
    ORDERS_PATH,
    REFUSED,
    Order,
    filled,
    order_script,
    write_orders,
)
from keelway.develop.standing import stop_order
from keelway.errors import StageError, ToolError
from keelway.model.platform import parse_platform
from keelway.stack.deciding import decided_probe, ready_conditions
from keelway.stack.networks import peers
from keelway.stack.objections import require_health_checks
from keelway.stack.running import Stack
from keelway.stack.supervise import BUSYBOX_PATH

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

    import dagger

    from keelway._stage import Run
    from keelway.compose.project import Condition, Service
    from keelway.develop.hub import Hub
    from keelway.develop.state import StopDocument
    from keelway.model.image import Images
    from keelway.stack.mapping import Shared
    from keelway.stack.spec import StackSpec

STAGE = "up"
_ORDER_S = 120.0
"""An order may take so long beside the time that a service may take to end."""
_FOUND_S = 60.0


class Workbench(Stack):
    """One run of one project."""

    def __init__(
        self,
        run: Run,
        spec: StackSpec,
        images: Images,
        hub: Hub,
        asked: Callable[[], StopDocument],
    ) -> None:
        """Prepare; `asked` says at the end how that is to be."""
        super().__init__(run, spec, images, stage=STAGE)
        self._hub = hub
        self._asked = asked
        self._reporter: dagger.Service | None = None
        self._orders = 0
        self._renewals = 0

    async def _start(self) -> None:
        await super()._start()
        shared = self._at_work()
        self._hub.hidden = self._hidden
        with failures_of(STAGE, "starting what reports of the services"):
            made = reporter(self._run, self._hub, shared.busybox, shared.board)
            self._reporter = await made.start()

    def conditions(self) -> Mapping[str, Condition]:
        """Return what each service must come to before the project is ready."""
        return ready_conditions(self._services, self._probes)

    @property
    def members(self) -> Mapping[str, Service]:
        """Return the services, by name."""
        return self._services

    # --- orders -------------------------------------------------------------------------------

    async def carry_out(self, orders: Sequence[Order]) -> str:
        """Give orders to services, wait for their end, and return what was said.

        Raises:
            ToolError: One could not be carried out.
            StageError: It was not in time, or the engine refused.
        """
        given = [order for order in orders if not order.is_empty]
        if not given:
            return ""
        self._orders += 1
        grace = max(self._services[order.service].stop_grace_period_s for order in given)
        script = order_script(given, self._orders, grace + _ORDER_S)
        with tempfile.TemporaryDirectory(prefix="keelway-up-") as folder:
            await anyio.to_thread.run_sync(write_orders, given, Path(folder))
            found = self._run.dag.host().directory(folder)
            code, said = await self._look(
                self._looker().with_mounted_directory(ORDERS_PATH, found), script
            )
        names = ", ".join(order.service for order in given)
        if code == REFUSED:
            raise ToolError(f"{names}: what was to be done failed", stage=STAGE, output=said)
        if code:
            late = "it was not done in time" if code == LATE else f"exit code {code}: {said}"
            raise StageError(f"{names}: {late}", stage=STAGE)
        return said

    async def renew(
        self, name: str, build: Callable[[str], Awaitable[Images]], leaving: Callable[[], None]
    ) -> None:
        """Put a container of what is built now in a service's place; the others go on.

        Args:
            name: The service. Until the new image is there the old one serves.
            build: Gives the images of this build. Its argument is a word that no file is called,
                and that no folder was read with before: an engine reads one only once otherwise.
            leaving: Is called when the old one is about to end.

        Raises:
            KeelwayError: It cannot be built, or not be started.
        """
        self._renewals += 1
        reading = f".keelway-reading-{self._nonce}-{self._renewals}"
        self._images = await build(reading)
        shared = replace(self._at_work(), reading=reading)
        service = self._services[name]
        with failures_of(STAGE, "asking the engine for its platform"):
            native = parse_platform(await self._run.dag.default_platform())
        opened = await self._open(service, native, reading)
        self._probes[name] = decided_probe(service, opened.settings)
        require_health_checks(service, self._probes)
        definition = await self._define(shared, service, opened)
        member = self._members[name]
        leaving()
        await self._stop(member)
        _ = await self._do(filled(FORGET, name))
        member.dagger = definition
        await self._begin(member)
        address = await self._do(filled(LOCATE, name, limit_s=_FOUND_S))
        await self._tell_peers(name, address.strip())

    async def _tell_peers(self, name: str, address: str) -> None:
        orders = [
            Order(service=other, moved={name: address}, waits=False)
            for other, service in self._services.items()
            if other != name and name in peers(self._services, service)
        ]
        _ = await self.carry_out(orders)

    # --- ending -------------------------------------------------------------------------------

    async def _end(self) -> None:
        """Stop those first that need others; then listen to the last words, not even by Ctrl-C."""
        with anyio.CancelScope(shield=True):
            asked = self._asked()
            if asked.timeout_s is not None and self._members:
                with suppress(Exception):  # then it takes as long as it takes
                    _ = await self._do(filled(HURRY, grace_s=asked.timeout_s))
                for member in self._members.values():
                    member.service = replace(member.service, stop_grace_period_s=asked.timeout_s)
            for names in stop_order(self._services):
                members = [self._members[name] for name in names if name in self._members]
                await each(self._stop, members, limit=max(len(members), 1))
            if self._reporter is not None:
                with suppress(Exception):  # its last words are not worth more than the end
                    _ = await self._reporter.stop()
                    await self._hub.flushed()
            if self._shared is not None and self._members:
                if asked.volumes:
                    self._shared = replace(self._shared, lasting={})
                self.told = await self._collect(self._shared)

    # --- looking ------------------------------------------------------------------------------

    def _hidden(self) -> Collection[str]:
        """Return secrets as they may stand on one line."""
        lines = (line.strip() for value in self.secret_values for line in value.splitlines())
        return {line for line in lines if line}

    def _at_work(self) -> Shared:
        if self._shared is None:
            raise StageError("the services are not started", stage=STAGE)
        return self._shared

    async def _do(self, script: str) -> str:
        code, said = await self._look(self._looker(), script)
        if code:
            raise StageError(f"a look at the services ended with exit code {code}", stage=STAGE)
        return said

    async def _look(self, container: dagger.Container, script: str) -> tuple[int, str]:
        import dagger  # noqa: PLC0415 - loaded already

        with failures_of(STAGE, "speaking to the services", self.secret_values):
            done = container.with_exec(
                [BUSYBOX_PATH, "sh", "-c", script], expect=dagger.ReturnType.ANY
            )
            return await done.exit_code(), await done.stdout()
