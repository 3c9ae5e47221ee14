"""`python -m bench`: measure what is promised about speed, and write the page that tells of it.

make bench                                         all of it: docs/explanation/bench.md
make bench ARGS='--only release --repeat 1'
make bench ARGS='--only engine --rows chain,small-files --repeat 5'
make bench ARGS='--only engine --engine new=keelway-engine --engine old=/old/keelway-engine'
make bench ARGS=--quick                            whether the measurements work, in seconds
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from bench import run
from bench.scratch import ROOT
from bench.work import ALL

DOCS = ROOT / "docs/explanation"
ASIDE = ROOT / ".keelway/bench"
MISSED, WRONG, FAILED = 3, 2, 1


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """Return what was asked for."""
    rows = ", ".join(work.name for work in ALL)
    parts = ", ".join(run.PARTS)
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--only", default=",".join(run.PARTS), help=f"parts, with commas: {parts} (usually all)"
    )
    parser.add_argument("--repeat", type=int, default=3, help="rounds (usually 3)")
    parser.add_argument(
        "--engine",
        action="append",
        default=[],
        metavar="NAME=WHAT",
        help="an engine to measure, as often as wanted: a program that speaks the session "
        "protocol, or SCHEME://HOST of a Dagger engine; keelway-engine of this checkout, and the "
        "engine that _EXPERIMENTAL_DAGGER_RUNNER_HOST names, if none. Goals are shares of what "
        "those take that are called dagger or given by a host",
    )
    parser.add_argument("--rows", default="", help=f"of the engine, with commas: {rows}")
    parser.add_argument(
        "--quick", action="store_true", help="measure little of it once: do the measurements work?"
    )
    parser.add_argument("--check", action="store_true", help=f"exit with {MISSED} for missed goals")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="where bench.md and the folder bench go: docs/explanation for a whole run on a quiet "
        "machine, else .keelway/bench",
    )
    parser.add_argument("--page", type=Path, metavar="JSON", help="only write the page of this run")
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> int:
    """Measure, write, and tell by the exit code whether all could be measured (and is met)."""
    asked = arguments(words)
    if asked.page is not None:
        document = json.loads(asked.page.read_text())
    else:
        try:
            wanted = run.Wanted.parse(asked)
        except ValueError as error:
            print(f"bench: {error}", file=sys.stderr)
            return WRONG
        document = run.measure(wanted)
    fit = not document["quiet"]["why"]
    folder = asked.out or (DOCS if fit else ASIDE)
    run.write(document, folder)
    if not fit:
        print(f"bench: not for publishing: {document['quiet']['why']}", file=sys.stderr)
    print(f"{folder / 'bench.md'}")
    return run.judge(document, missed=MISSED if asked.check else 0, failed=FAILED)


if __name__ == "__main__":
    sys.exit(main())
