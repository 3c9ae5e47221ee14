"""What shows whether a new version is good: smoke tests, probes, and load by k6.

Three things can come of it. A version that failed is taken back. Where nobody can tell, for the
answers were between good and bad or could not be had, a person decides: guessing either way would
be wrong about a version that nobody knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from keelway.deploy.asking import ask
from keelway.deploy.host import STAGE, HostError, LocalHost
from keelway.deploy.load_run import put_under_load
from keelway.deploy.verdicts import Answer, Limits, Mark, Verdict, Wanted, judge, mark, worst
from keelway.errors import InconclusiveError, StageError, tail

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from keelway.config.deploy_analysis import (
        AnalysisConfig,
        Asker,
        Moment,
        ProbeSeriesConfig,
        SmokeConfig,
    )
    from keelway.deploy.host import Host

_NOT_STARTED = frozenset({126, 127})


class AnalysisError(StageError):
    """The new version is no good: `why` has what was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What one smoke test, probe or load test came to."""

    name: str
    verdict: Verdict
    said: str

    def __str__(self) -> str:
        """Return it on one line, for people."""
        return f"{self.name}: {self.verdict} ({self.said})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What several of them came to."""

    checks: tuple[Check, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Return what they say together."""
        return worst(check.verdict for check in self.checks)

    def reasons(self) -> str:
        """Return what speaks against the new version, or says too little, a line each."""
        return "\n".join(
            str(check) for check in self.checks if check.verdict is not Verdict.SUCCESSFUL
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a version is reached at one moment."""

    host: Host
    """That it runs on."""
    urls: Mapping[str, str]
    """By service, without a slash at the end; the first one is meant where none is named."""
    colour: str = ""
    headers: Mapping[str, str]
    """What requests say so that they reach it: a name of the site."""

    def url(self, service: str | None, path: str) -> str:
        """Return where a path of a service is."""
        name = next(iter(self.urls)) if service is None else service
        return self.urls[name] + path


class Analyst:
    """Does what the configuration asks for."""

    def __init__(self, config: AnalysisConfig, *, root: Path, here: Host | None = None) -> None:
        """Keep what is asked for.

        Args:
            config: What is asked for.
            root: Where the configuration's paths begin.
            here: The machine where keelway runs.
        """
        self._config = config
        self._root = root
        self._here = LocalHost() if here is None else here

    @property
    def url(self) -> str | None:
        """Return where everybody reaches the services, where the configuration says it."""
        return self._config.url

    @property
    def has_smoke(self) -> bool:
        """Return whether there are smoke tests."""
        return bool(self._config.smoke)

    def asks_at(self, moment: Moment) -> bool:
        """Return whether anything is to be asked or loaded at a moment."""
        probes, load = self._config.probes, self._config.load
        return any(moment in one.at for one in probes) or any(moment in one.at for one in load)

    async def smoke(self, place: Place) -> Analysis:
        """Do the smoke tests, up to the first that does not pass."""
        checks: list[Check] = []
        for one in self._config.smoke:
            checks.append(await self._smoke(one, place))
            if checks[-1].verdict is not Verdict.SUCCESSFUL:
                break
        return Analysis(checks=tuple(checks))

    async def analyse(self, moment: Moment, place: Place) -> Analysis:
        """Ask and load what is to be asked and loaded at this moment."""
        checks: list[Check] = []

        async def probe(one: ProbeSeriesConfig) -> None:
            checks.append(await self._probe(one, place))

        async with anyio.create_task_group() as group:
            for one in self._config.probes:
                if moment in one.at:
                    group.start_soon(probe, one)
        for load in self._config.load:
            if moment in load.at and worst(c.verdict for c in checks) is Verdict.SUCCESSFUL:
                host = self._asker(load.asked_from, place)
                url = place.url(load.service, "")
                verdict, said = await put_under_load(load, host, url, root=self._root)
                checks.append(Check(name="load", verdict=verdict, said=said))
        return Analysis(checks=tuple(checks))

    def conclude(self, analysis: Analysis, doing: str, tell: Callable[[str], None]) -> None:
        """Go on where the new version is good.

        Args:
            analysis: What was found.
            doing: What was done, as in `the smoke tests`.
            tell: Takes a line about what was found.

        Raises:
            AnalysisError: It failed.
            InconclusiveError: Nobody can tell, and a person is to decide.
        """
        verdict = analysis.verdict
        if verdict is Verdict.SUCCESSFUL:
            return
        if verdict is Verdict.INCONCLUSIVE:
            if self._config.inconclusive == "proceed":
                tell(f"nobody can tell by {doing}; going on: {analysis.reasons()}")
                return
            if self._config.inconclusive == "ask":
                raise InconclusiveError(
                    f"{doing} do not show whether the new version is good: both versions run",
                    why=analysis.reasons(),
                    next_step="look at both, and decide",
                )
        raise AnalysisError(
            f"the new version does not pass {doing}",
            stage=STAGE,
            why=analysis.reasons(),
            next_step="correct it; what was there before serves",
        )

    def _asker(self, asked_from: Asker, place: Place) -> Host:
        return place.host if asked_from == "host" else self._here

    async def _smoke(self, one: SmokeConfig, place: Place) -> Check:
        host = self._asker(one.asked_from, place)
        if one.path is not None:
            url = place.url(one.service, one.path)
            answer = await ask(host, url, timeout_s=one.timeout_s, headers=place.headers)
            found, said = mark(Wanted(), answer)
            return Check(name=one.name, verdict=_VERDICTS[found], said=f"{url}: {said}")
        words = (
            "env",
            f"KEELWAY_URL={place.url(one.service, '')}",
            f"DEPLOYMENT_COLOR={place.colour}",
            *one.command,
        )
        try:
            ran = await host.run(words, timeout_s=one.timeout_s)
        except HostError as error:
            return Check(name=one.name, verdict=Verdict.INCONCLUSIVE, said=error.message)
        if ran.code == 0:
            return Check(name=one.name, verdict=Verdict.SUCCESSFUL, said="exit code 0")
        verdict = Verdict.INCONCLUSIVE if ran.code in _NOT_STARTED else Verdict.FAILED
        said = f"exit code {ran.code}: {tail(ran.complaint, 5)}"
        return Check(name=one.name, verdict=verdict, said=said)

    async def _probe(self, one: ProbeSeriesConfig, place: Place) -> Check:
        url = place.url(one.service, one.path) if one.url is None else one.url
        limits = Limits(
            count=one.count,
            failure_limit=one.failure_limit,
            unclear_limit=one.unclear_limit,
            successes_in_a_row=one.successes_in_a_row,
        )
        wanted = Wanted(
            statuses=one.statuses,
            body=one.body,
            latency_ms=one.latency_ms,
            unclear_ms=one.unclear_ms,
        )
        marks: list[Mark] = []
        strange = ""
        headers = place.headers if one.url is None else None
        while (verdict := judge(limits, marks)) is None:
            if marks:
                await anyio.sleep(one.interval_s)
            host = self._asker(one.asked_from, place)
            answer: Answer = await ask(host, url, timeout_s=one.timeout_s, headers=headers)
            found, said = mark(wanted, answer)
            marks.append(found)
            strange = strange if found is Mark.GOOD else said
        good = marks.count(Mark.GOOD)
        text = f"{url}: {good} of {len(marks)} good" + (f", {strange}" if strange else "")
        return Check(name=one.name, verdict=verdict, said=text)


_VERDICTS = {
    Mark.GOOD: Verdict.SUCCESSFUL,
    Mark.BAD: Verdict.FAILED,
    Mark.UNCLEAR: Verdict.INCONCLUSIVE,
    Mark.UNMEASURED: Verdict.INCONCLUSIVE,
}
