"""Experiments on what was deployed: a service is hurt on its host, and is asked all the time."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from importlib import resources
from typing import TYPE_CHECKING

import anyio

from keelway.deploy.asking import ask
from keelway.deploy.looking import serving_services
from keelway.faults.judged import Answer, Seen, judge, result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.deploy.host import Ran
    from keelway.deploy.side import Side
    from keelway.faults.spec import Disturbance
    from keelway.model.faults import FaultResult
    from keelway.model.tests import CaseResult

_GOOD_BEFORE, _GOOD_AFTER = 3, 2
_PAUSE_S = 0.1
_SPARE_S = 120.0
_ANY_GOOD = range(200, 400)
_MOMENTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedFault:
    """What came of an experiment on one host."""

    host: str
    result: FaultResult
    cases: tuple[CaseResult, ...]

    @property
    def objections(self) -> tuple[str, ...]:
        """Return what was not as it was expected, a line each."""
        return tuple(
            f"{self.result.name} on {self.host}: {one.message}"
            for one in self.cases
            if one.status != "passed"
        )


async def hurt(side: Side, spec: Disturbance, engine: str) -> DeployedFault:
    """Carry one experiment out on a host; what was done is undone, whatever happens.

    Args:
        side: The host, as it was found.
        spec: The experiment.
        engine: What the command of its engine is called.

    Raises:
        StageError: The host does not tell what runs.
        HostError: It is lost; it undoes the fault by itself.
    """
    probing = _Probing(side, spec)
    marks: dict[str, tuple[int, str]] = {}
    if await probing.good(_GOOD_BEFORE, spec.steady_within_s) is not None:
        own = [one for one in await serving_services(side) if one.service == spec.service]
        ids = [one.container for one in own if one.is_running]
        began = _now()
        marks["steady"] = (began, "")
        if not ids:
            marks["impossible"] = (began, f"{spec.service} does not run there")
        else:
            ran = await probing.beside(ids, engine)
            marks |= _moments(began, ran)
    seen = Seen(answers=tuple(probing.answers), marks=marks)
    if "over" in marks:
        seen = await _recovered(probing, marks)
    return DeployedFault(
        host=side.name, result=result(spec, seen, log=None), cases=judge(spec, seen)
    )


async def _recovered(probing: _Probing, marks: dict[str, tuple[int, str]]) -> Seen:
    over = marks["over"][0]
    spent = (_now() - over) / 100
    again = await probing.good(_GOOD_AFTER, max(probing.spec.recovers_within_s - spent, 0))
    if again is not None:
        marks["recovered"] = (again, str(max(again - over, 0)))
    answers = tuple(probing.placed(marks["steady"][0], over))
    return Seen(answers=answers, marks=marks)


def _moments(began: int, ran: Ran) -> dict[str, tuple[int, str]]:
    """Return when the fault was there and when it was over, by the clock of whoever asks."""
    told = [round(float(one) * 100) for one in ran.text.split()[:_MOMENTS]]
    if ran.code or len(told) < _MOMENTS:
        return {"impossible": (began, ran.complaint or f"exit code {ran.code}")}
    first, done, over = told
    return {"injected": (began + done - first, ""), "over": (began + over - first, "")}


def _now() -> int:
    """Return the moment in hundredths of seconds, as records have it."""
    return round(time.monotonic() * 100)


@dataclass(slots=True)
class _Probing:
    """Asks, and keeps what was answered."""

    side: Side
    spec: Disturbance
    answers: list[Answer] = field(default_factory=list[Answer])

    async def round(self) -> bool:
        """Ask every URL once, and return whether all is well."""
        well = True
        for number, url in enumerate(self.spec.urls):
            began = _now()
            got = await ask(self.side.host, url, timeout_s=self.spec.probe_timeout_s)
            status = got.status or 0
            self.answers.append(
                Answer(
                    phase="steady", at=began, took=_now() - began, probe=number, status=status,
                    reason="" if status else got.said,
                )
            )  # fmt: skip
            wanted = _ANY_GOOD if number else (self.spec.status,)
            well = well and status in wanted
        return well

    async def good(self, rounds: int, within_s: float) -> int | None:
        """Ask until all is well so often in a row; return since when, if it ever is."""
        deadline = anyio.current_time() + within_s
        since: int | None = None
        often = 0
        while often < rounds:
            began = _now()
            if await self.round():
                since = began if since is None else since
                often += 1
            else:
                since, often = None, 0
                if anyio.current_time() >= deadline:
                    return None
            await anyio.sleep(_PAUSE_S)
        return since

    async def beside(self, ids: Sequence[str], engine: str) -> Ran:
        """Have the fault done, and ask as long as that takes."""
        spec = self.spec
        lasting = 0.0 if spec.fault == "restart" else spec.duration_s
        script = resources.files("keelway.deploy").joinpath("fault.sh").read_text(encoding="utf-8")
        words = ("sh", "-c", script, "keelway-fault", engine, spec.fault, f"{lasting:g}", *ids)
        done: list[Ran] = []

        async def work() -> None:
            done.append(await self.side.host.run(words, timeout_s=lasting + _SPARE_S))

        async with anyio.create_task_group() as group:
            group.start_soon(work)
            while not done:
                await self.round()
                await anyio.sleep(_PAUSE_S)
        return done[0]

    def placed(self, began: int, over: int) -> list[Answer]:
        """Return all answers, each in the phase that it was asked in."""
        phases = ((began, "steady"), (over, "fault"))
        return [
            Answer(
                phase=next((phase for end, phase in phases if one.at < end), "after"),
                at=one.at, took=one.took, probe=one.probe, status=one.status, reason=one.reason,
            )
            for one in self.answers
        ]  # fmt: skip
