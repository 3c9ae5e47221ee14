"""Files that change are brought to the services that want them, while everything runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from keelway._stage import translate
from keelway.develop.bench import STAGE
from keelway.develop.orders import Order
from keelway.develop.rules import decide
from keelway.develop.standing import needing_restart
from keelway.errors import KeelwayError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from keelway.develop.bench import Workbench
    from keelway.develop.looking import Seen, Watcher
    from keelway.develop.rules import Rule, Work
    from keelway.develop.scene import Scene


class FileWatch:
    """One session of watching."""

    def __init__(
        self,
        bench: Workbench,
        scene: Scene,
        watcher: Watcher,
        renew: Callable[[str], Awaitable[None]],
    ) -> None:
        """Watch what `watcher` has looked at before; `renew` puts a new container in place."""
        self._bench = bench
        self._scene = scene
        self._watcher = watcher
        self._renew = renew

    async def run(self, first: Mapping[Rule, Seen]) -> None:
        """Act on changes, until cancelled; one that cannot be acted on is told, and no end.

        Args:
            first: What there was at first: what `initial_sync` brings.
        """
        wanted = {
            rule: tuple(seen)
            for rule, seen in first.items()
            if rule.syncs and rule.watch.initial_sync
        }
        for work in decide(wanted, ()):
            orders = tuple(order for order in work.orders if order.put)
            await self._act(replace(work, rebuild=False, orders=orders))
        while True:
            changes = await self._watcher.next()
            for work in decide(changes.paths, changes.gone):
                await self._act(work)

    async def _act(self, work: Work) -> None:
        try:
            await self._do(work)
        except Exception as error:
            known = error if isinstance(error, KeelwayError) else translate(error, stage=STAGE)
            if known is None:
                raise
            for line in known.diagnostics(self._bench.secret_values).splitlines():
                self._scene.noted(work.service, line)

    async def _do(self, work: Work) -> None:
        name = work.service
        standing = self._scene.standings.get(name)
        # One that never began has nothing that could be changed in place.
        is_anew = work.rebuild or (standing is not None and standing.state == "blocked")
        self._scene.noted(name, replace(work, rebuild=is_anew).told)
        if is_anew:
            await self._renew(name)
        for order in () if is_anew else work.orders:
            said = await self._bench.carry_out([order])
            for line in said.splitlines():
                self._scene.noted(name, line)
        if is_anew or any(order.restart for order in work.orders):
            others = needing_restart(self._bench.members, [name])
            _ = await self._bench.carry_out(
                [Order(service=other, restart=True) for other in others]
            )
