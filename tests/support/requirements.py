"""What the four documented systems demand, as their examples list it, and the tables of it."""

from __future__ import annotations

import ast
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
NAMES = ("immutable-service", "portal", "science-app", "matrix-product")
LIST = "requirements.toml"
BEGIN, END = "<!-- requirements: begin -->", "<!-- requirements: end -->"
IN_WORDS = {"passed": "passes", "failed": "**fails**", "skipped": "**skipped**"}
NOT_RUN = "**not run**"


INTRODUCTION = """\
# The four systems

<!-- Written by `make examples`; changes here are lost. -->

keelway began with four documented systems that each had scripts of their own for this job. Each
is an example that runs, and each clause of its document is a row here: what is asked, the line
of configuration or the command that does it, the test that shows it, and what became of the
test. `make examples` runs them all, end to end, and writes this page.
"""
TIMES = """
## How long they take

On {machine}; cold is an empty store with the base images in the registry. The goals are 90 s
and 10 s.

"""


class RequirementsError(ValueError):
    """A list of requirements that says what is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One place that fulfils a requirement: a command, or a line of a file."""

    command: str | None = None
    file: str | None = None
    """Relative to the example."""
    line: int | None = None

    def cell(self, prefix: str) -> str:
        """Return it for a table on a page from which the example lies at `prefix`."""
        if self.file is None:
            return f"`{_escaped(self.command or '')}`"
        if self.line is None:
            return f"[{self.file}]({prefix}{self.file})"
        return f"[{self.file}:{self.line}]({prefix}{self.file}#L{self.line})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One clause of a system's document."""

    identity: str
    says: str
    how: tuple[Way, ...]
    tests: tuple[str, ...]
    """Node ids of pytest; a test with parameters is named without them."""
    stands_in: str | None
    """What took the place of what no test machine can have."""

    def result(self, results: Mapping[str, str]) -> str:
        """Return `passed`, or the worst that became of its tests; `not run` where one was not."""
        found = [results.get(test, "not run") for test in self.tests]
        order = ("failed", "not run", "skipped", "passed")
        return min(found, key=order.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One of the four systems, as its example keeps it."""

    name: str
    """The folder under `examples/`."""
    title: str
    flow: tuple[str, ...]
    """What is timed as the whole flow: lines for a shell."""
    requirements: tuple[Requirement, ...]

    @property
    def folder(self) -> Path:
        """Where the example is."""
        return EXAMPLES / self.name

    def readme(self) -> str:
        """Return README.md as it is to be: with the table of today."""
        text = (self.folder / "README.md").read_text()
        if text.count(BEGIN) != 1 or text.count(END) != 1:
            raise RequirementsError(f"examples/{self.name}/README.md needs one {BEGIN} and {END}")
        before, _, rest = text.partition(BEGIN)
        after = rest.partition(END)[2]
        return f"{before}{BEGIN}\n{self.table()}{END}{after}"

    def table(self) -> str:
        """Return requirement, how and test as a table for the example's own page."""
        rows = [
            (
                one.identity,
                _escaped(one.says),
                "<br>".join(way.cell("") for way in one.how),
                "<br>".join(_test_link(test, "../../") for test in one.tests),
            )
            for one in self.requirements
        ]
        text = _table(("", "requirement", "how", "shown by"), rows)
        notes = [
            f"- {one.identity}: {one.stands_in}\n" for one in self.requirements if one.stands_in
        ]
        if notes:
            text += "\nWhat no test machine can have, and what stands in for it:\n\n" + "".join(
                notes
            )
        return text


@cache
def systems() -> tuple[System, ...]:
    """Return the systems that have a list of requirements.

    Raises:
        RequirementsError: A list names a file, a line or a test that is not there.
    """
    return tuple(_system(name) for name in NAMES if (EXAMPLES / name / LIST).is_file())


def printed(results: Mapping[str, str]) -> list[str]:
    """Return requirement, how, test and result of all four as lines for a terminal."""
    lines: list[str] = []
    for system in systems():
        lines.append(f"{system.title} (examples/{system.name})")
        for one in system.requirements:
            how = ", ".join(way.command or f"{way.file}:{way.line}" for way in one.how)
            tests = ", ".join(test.partition("::")[2] for test in one.tests)
            note = "  (stand-in)" if one.stands_in else ""
            lines.append(f"  {one.identity:<4}{one.result(results):<8} {one.says}{note}")
            lines.append(f"              how: {how}")
            lines.append(f"              test: {tests}")
    return lines


def page(results: Mapping[str, str], flows: Mapping[str, Mapping[str, float]], machine: str) -> str:
    """Return the page of docs/ about the four systems.

    Args:
        results: What became of each test, by node id without parameters.
        flows: Seconds of each example's whole flow: `cold` and `again`.
        machine: What it ran on, in words.
    """
    parts = [INTRODUCTION]
    count = sum(len(system.requirements) for system in systems())
    good = sum(
        one.result(results) == "passed" for system in systems() for one in system.requirements
    )
    parts.append(f"\n{good} of {count} requirements are shown by tests that pass.\n")
    times = [
        (
            f"[{system.name}](../../examples/{system.name}/README.md)",
            "<br>".join(f"`{_escaped(line)}`" for line in system.flow),
            f"{flows[system.name]['cold']:.0f} s",
            f"{flows[system.name]['again']:.1f} s",
        )
        for system in systems()
        if system.name in flows
    ]
    if times:
        head = ("example", "the whole flow", "cold", "nothing changed")
        parts.append(TIMES.format(machine=machine) + _table(head, times))
    for system in systems():
        rows = [
            (
                one.identity,
                _escaped(one.says),
                "<br>".join(way.cell(f"../../examples/{system.name}/") for way in one.how),
                "<br>".join(_test_link(test, "../../") for test in one.tests),
                IN_WORDS.get(one.result(results), NOT_RUN)
                + (f": {_escaped(one.stands_in)}" if one.stands_in else ""),
            )
            for one in system.requirements
        ]
        columns = ("", "requirement", "how", "shown by", "result")
        parts.append(f"\n## {system.title}\n\n{_table(columns, rows)}")
    return "".join(parts)


def without_times(text: str) -> str:
    """Return the page without what differs from run to run."""
    return re.sub(r"\n## How long they take\n.*?(?=\n## )", "", text, flags=re.DOTALL)


def _system(name: str) -> System:
    path = EXAMPLES / name / LIST
    data = tomllib.loads(path.read_text())
    return System(
        name=name,
        title=data["system"],
        flow=tuple(data["flow"]),
        requirements=tuple(_requirement(name, row) for row in data["requirement"]),
    )


def _requirement(name: str, row: Mapping[str, Any]) -> Requirement:
    identity = row["id"]
    if not row.get("tests"):
        raise RequirementsError(f"{name}: {identity} has no test")
    if not row.get("how"):
        raise RequirementsError(f"{name}: {identity} does not say how it is fulfilled")
    for test in row["tests"]:
        _there(name, identity, test)
    return Requirement(
        identity=identity,
        says=row["says"],
        how=tuple(_way(name, identity, way) for way in row["how"]),
        tests=tuple(row["tests"]),
        stands_in=row.get("stands_in"),
    )


def _way(name: str, identity: str, way: Mapping[str, str]) -> Way:
    if "command" in way:
        return Way(command=way["command"])
    path = EXAMPLES / name / way["file"]
    if not path.is_file():
        raise RequirementsError(f"{name}: {identity} names {way['file']}, which is not there")
    wanted = way.get("line")
    if wanted is None:
        return Way(file=way["file"])
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if wanted in line:
            return Way(file=way["file"], line=number)
    raise RequirementsError(f"{name}: {identity}: no line of {way['file']} has {wanted!r}")


def _there(name: str, identity: str, test: str) -> None:
    file, _, function = test.partition("::")
    path = ROOT / file
    if not path.is_file() or function not in _functions(path):
        raise RequirementsError(f"{name}: {identity} names {test}, which is not there")


@cache
def _functions(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in tree.body if isinstance(node, kinds))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join('---' for _ in head)} |"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def _test_link(test: str, prefix: str) -> str:
    file, _, function = test.partition("::")
    return f"[{function}]({prefix}{file})"


def _escaped(text: str) -> str:
    """Return a text for a table's cell."""
    return text.replace("|", "\\|")
