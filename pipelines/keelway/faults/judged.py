"""What an experiment wrote down, held against what was expected. Pure.

Example:
    >>> record = '''mark 100 steady
    ... answer fault 110 2 0 503
    ... mark 115 injected
    ... mark 420 over
    ... answer after 425 1 0 200
    ... mark 430 recovered 6'''
    >>> seen = parse_record(record)
    >>> [answer.status for answer in seen.during], seen.recovered_s
    ([503], 0.06)
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keelway.model.faults import NO_ANSWER, FaultResult
from keelway.model.tests import CaseResult, CaseStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.faults.spec import Disturbance

_MARK_WORDS = 3
_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer."""

    phase: str
    """`steady`, `fault` or `after`."""
    at: int
    """When it was asked: the machine's uptime in hundredths of seconds."""
    took: int
    """How long it took, in hundredths of seconds."""
    probe: int
    """Which of the URLs."""
    status: int
    """The HTTP status; 0 for no answer."""
    reason: str = ""

    @property
    def said(self) -> str:
        """Return the status, or why there is none."""
        return str(self.status) if self.status else f"no answer ({self.reason or 'unknown why'})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All that was written down."""

    answers: tuple[Answer, ...] = ()
    marks: Mapping[str, tuple[int, str]] = field(default_factory=dict[str, "tuple[int, str]"])
    """When the experiment came to what, and what there was to say."""

    @property
    def during(self) -> tuple[Answer, ...]:
        """Return the answers of the time of the fault."""
        return self._of("fault")

    @property
    def recovered_s(self) -> float | None:
        """Return after how many seconds all was well again."""
        mark = self.marks.get("recovered")
        return None if mark is None else int(mark[1]) / 100

    def last(self, phase: str, probe: int = 0) -> Answer | None:
        """Return the last answer of a URL in a phase."""
        found = [answer for answer in self._of(phase) if answer.probe == probe]
        return found[-1] if found else None

    def _of(self, phase: str) -> tuple[Answer, ...]:
        return tuple(answer for answer in self.answers if answer.phase == phase)


def parse_record(text: str) -> Seen:
    """Return what an experiment wrote down.

    Raises:
        ValueError: It is none of its records.
    """
    answers: list[Answer] = []
    marks: dict[str, tuple[int, str]] = {}
    for line in text.splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "mark":
            moment, what, *more = rest.split(" ", _MARK_WORDS - 1)
            marks[what] = (int(moment), " ".join(more))
        elif kind == "answer":
            phase, at, took, probe, status, *reason = rest.split(" ", 5)
            answers.append(
                Answer(
                    phase=phase,
                    at=int(at),
                    took=int(took),
                    probe=int(probe),
                    status=int(status),
                    reason=" ".join(reason).strip(),
                )
            )
        else:
            raise ValueError(f"not a line of an experiment's record: {line!r}")
    return Seen(answers=tuple(answers), marks=marks)


def judge(spec: Disturbance, seen: Seen, output: str = "") -> tuple[CaseResult, ...]:
    """Return one case for each thing that was expected.

    A service that was not well before the fault is an error of its own, and nothing else is judged
    then.

    Args:
        spec: What was expected.
        seen: What was seen.
        output: What there is to read when something did not hold.
    """
    bench = _Bench(spec, output)
    if "steady" not in seen.marks:
        said = [
            f"{url} answered {last.said}"
            for number, url in enumerate(spec.urls)
            if (last := seen.last("steady", number)) is not None
        ]
        if "impossible" in seen.marks:
            return (bench.error("injected", f"not begun: {seen.marks['impossible'][1]}"),)
        words = "; ".join(said) or "nothing was asked"
        return (bench.error("steady-state", f"not well before the fault: {words}"),)
    cases = [bench.passed("steady-state", seen.marks["steady"][0] - _first(seen))]
    if "over" not in seen.marks:
        why = seen.marks.get("impossible", (0, "the experiment came to no end"))[1]
        return (*cases, bench.error("injected", f"the fault could not be done: {why}"))
    lasted = seen.marks["over"][0] - seen.marks["steady"][0]
    if spec.expect != "recovers":
        cases.append(bench.told(spec.expect, _objection(spec, seen), lasted))
    if spec.unaffected:
        cases.append(bench.told("unaffected", _affected(spec, seen), lasted))
    cases.append(_recovery(spec, seen, bench))
    return tuple(cases)


def result(spec: Disturbance, seen: Seen, *, log: str | None) -> FaultResult:
    """Return the experiment for reports.

    Args:
        spec: What was expected.
        seen: What was seen.
        log: Where its own log is kept.
    """
    probed = [answer for answer in seen.during if answer.probe == 0]
    counts = Counter(str(answer.status) if answer.status else NO_ANSWER for answer in probed)
    return FaultResult(
        name=spec.name,
        service=spec.service,
        probe=spec.probe,
        done=spec.done,
        expect=spec.expect,
        within_s=spec.recovers_within_s,
        answers=dict(sorted(counts.items())),
        slowest_s=max((answer.took for answer in probed), default=0) / 100,
        recovered_s=seen.recovered_s,
        log=log,
    )


@dataclass(frozen=True, slots=True)
class _Bench:
    """Makes the cases of one experiment."""

    spec: Disturbance
    output: str

    def passed(self, name: str, hundredths: int) -> CaseResult:
        return CaseResult(name=name, classname=self.spec.name, seconds=hundredths / 100)

    def told(self, name: str, objection: str | None, hundredths: int) -> CaseResult:
        if objection is None:
            return self.passed(name, hundredths)
        return CaseResult(
            name=name,
            classname=self.spec.name,
            seconds=hundredths / 100,
            status=CaseStatus.FAILED,
            message=f"{self.spec.done}: {objection}",
            output=self.output,
        )

    def error(self, name: str, message: str) -> CaseResult:
        return CaseResult(
            name=name,
            classname=self.spec.name,
            status=CaseStatus.ERROR,
            message=message,
            output=self.output,
        )


def _first(seen: Seen) -> int:
    return seen.answers[0].at if seen.answers else seen.marks["steady"][0]


def _objection(spec: Disturbance, seen: Seen) -> str | None:
    """Return why the probe did not do what was expected during the fault."""
    answers = [answer for answer in seen.during if answer.probe == 0]
    if not answers:
        return f"{spec.probe} was not asked"
    if spec.expect == "stays-up":
        return _strange(spec.probe, seen, answers, frozenset({spec.status}))
    allowed = frozenset({spec.status, spec.degraded_status})
    strange = _strange(spec.probe, seen, answers, allowed)
    if strange is None and answers[-1].status != spec.degraded_status:
        return (
            f"{spec.probe} did not degrade to {spec.degraded_status}: "
            f"at the end of the fault it answered {answers[-1].said}"
        )
    return strange


def _affected(spec: Disturbance, seen: Seen) -> str | None:
    for number, url in enumerate(spec.urls):
        answers = [answer for answer in seen.during if answer.probe == number]
        if number and (strange := _strange(url, seen, answers, range(200, 400))) is not None:
            return strange
    return None


def _strange(
    url: str, seen: Seen, answers: list[Answer], allowed: frozenset[int] | range
) -> str | None:
    """Return what a URL answered that it must not."""
    wrong = [answer for answer in answers if answer.status not in allowed]
    if not wrong:
        return None
    began = seen.marks["steady"][0]
    times = ", ".join(
        f"{answer.said} after {max(answer.at + answer.took - began, 0) / 100:.1f} s"
        for answer in wrong[:_SHOWN]
    )
    more = f", and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
    return f"{url} answered {times}{more} (of {len(answers)} answers)"


def _recovery(spec: Disturbance, seen: Seen, bench: _Bench) -> CaseResult:
    within = f"{spec.recovers_within_s:g} s"
    if seen.recovered_s is None:
        last = [
            f"{url} answered {answer.said}"
            for number, url in enumerate(spec.urls)
            if (answer := seen.last("after", number)) is not None
        ]
        words = "; ".join(last) or "nothing was asked"
        return bench.told("recovers", f"not recovered within {within}: at last {words}", 0)
    late = seen.recovered_s > spec.recovers_within_s
    objection = f"recovered after {seen.recovered_s:.1f} s, not within {within}" if late else None
    return bench.told("recovers", objection, round(seen.recovered_s * 100))
