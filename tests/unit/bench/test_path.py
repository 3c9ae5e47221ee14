"""The critical path of a release: what waited for what."""

from __future__ import annotations

from bench.path import Stretch, critical, is_tool, stages_of, tools_of
from bench.plots import short


def tool(name: str, began: float, ended: float) -> Stretch:
    return Stretch(name=f"exec {name}", began=began, ended=ended)


def test_the_path_takes_what_ended_last() -> None:
    path = critical(
        [tool("build", 1, 5), tool("lint", 1, 2), tool("scan", 5, 7), tool("test", 5, 9)], total=10
    )
    assert [one.name for one in path.tools] == ["exec build", "exec test"]
    assert path.tools_s == 8
    assert path.overhead == 0.25


def test_what_runs_on_over_the_next_beginning_is_not_waited_for() -> None:
    path = critical([tool("service", 0, 8), tool("build", 1, 4), tool("push", 5, 9)], total=9)
    assert [one.name for one in path.tools] == ["exec build", "exec push"]


def test_gaps_are_told_longest_first() -> None:
    path = critical([tool("build", 1, 5), tool("push", 8, 9)], total=11)
    assert path.gaps() == [
        (3, "exec build", "exec push"),
        (2, "exec push", ""),
        (1, "", "exec build"),
    ]


def test_a_release_without_tools_has_no_overhead() -> None:
    assert critical([], total=3).overhead is None


def test_only_programs_are_tools() -> None:
    names = ["exec make", "publish a:1", "image sha256:1", "sub/Dockerfile:12: RUN make"]
    others = ["copy . /app", "service db", "host /x", "Dockerfile:3: COPY RUN /x"]
    assert [is_tool(name) for name in names] == [True] * 4
    assert [is_tool(name) for name in others] == [False] * 4


def test_a_report_tells_when_tools_ran() -> None:
    """Its clock begins when the program has been loaded: half a second after the command did."""
    steps = [
        {"name": "exec make", "began_s": 1.0, "seconds": 2.0, "cached": False},
        {"name": "exec lint", "began_s": 1.0, "seconds": 0.0, "cached": True},
        {"name": "host /x", "began_s": 0.5, "seconds": 1.0, "cached": False},
    ]
    stages = [
        {"name": "scan", "started_at": "2026-01-01T00:00:02Z", "seconds": 3.0},
        {"name": "load", "started_at": None, "seconds": None},
    ]
    started = "2026-01-01T00:00:00.500000Z"
    report = {"started_at": started, "timings": {"steps": steps}, "stages": stages}
    assert stages_of(report, began_ns=1_767_225_600_000_000_000) == [
        Stretch(name="scan", began=2.0, ended=5.0)
    ]
    assert tools_of(report, began_ns=1_767_225_600_000_000_000) == [tool("make", 1.5, 3.5)]


def test_names_are_short_enough_to_show() -> None:
    assert short("exec /usr/local/bin/cosign attest-blob --statement x") == "cosign attest-blob"
    assert short("Dockerfile:7: RUN --mount=type=cache,target=/c pip check") == "RUN pip check"
    assert short("publish localhost:5000/a:1") == "publish localhost:5000/a:1"
    assert short("exec /t/busybox sh -c 'board=/b'") == "services and what tests them"
