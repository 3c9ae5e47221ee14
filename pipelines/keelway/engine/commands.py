"""The commands of `keelway-engine` that people type; `session` is for the SDK to start."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from keelway.engine import housekeeping
from keelway.engine.doctor import examine
from keelway.engine.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence


def run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code."""
    options = _parser().parse_args(arguments)
    code: int = options.run(options)
    return code


def doctor(options: argparse.Namespace) -> int:
    """Tell what this machine has for the engine; 1 when something that is needed is missing."""
    checks = list(examine(Settings.of(os.environ)))
    if options.json:
        sys.stdout.write(json.dumps([asdict(check) for check in checks], indent=2) + "\n")
    else:
        sys.stdout.write("".join(f"{check}\n" for check in checks))
    return int(any(check.needed and not check.ok for check in checks))


def du(_options: argparse.Namespace) -> int:
    """Tell what the store holds."""
    return housekeeping.du(Settings.of(os.environ))


def prune(options: argparse.Namespace) -> int:
    """Make room in the store."""
    budget = housekeeping.Budget(
        everything=options.all, max_used=options.max_used, min_free=options.min_free
    )
    return housekeeping.prune(Settings.of(os.environ), budget)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="keelway-engine",
        description="A local engine for Dagger's SDK: no daemon, no root, no Docker.",
        epilog="The SDK starts it by itself: export _EXPERIMENTAL_DAGGER_CLI_BIN=$(command -v "
        "keelway-engine). KEELWAY_STORE says where it keeps things, KEELWAY_ENGINE_PROGRESS how "
        "it tells of its work: plain, json or none; KEELWAY_ENGINE_GC how large the store may be: "
        "20GB, 10% of the disk, maxUsedSpace=50GB,minFreeSpace=10%, or off.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    # Only for the help: `session` never comes here.
    commands.add_parser("session", help="serve one client until its end of input (for the SDK)")
    examination = commands.add_parser("doctor", help="tell what this machine has and lacks")
    examination.add_argument("--json", action="store_true", help="for programs")
    examination.set_defaults(run=doctor)
    usage = commands.add_parser("du", help="tell what the store holds, the oldest first")
    usage.set_defaults(run=du)
    pruning = commands.add_parser(
        "prune",
        help="remove what was not used for longest",
        description="Remove what was not used for longest, and nothing that a live session uses. "
        "Sizes are written as 500MB, 1.5GiB, or 10% of the disk; without any, it is what "
        "KEELWAY_ENGINE_GC says: by default 60% of the disk, of which 10% stay free.",
    )
    pruning.add_argument("--max-used", metavar="SIZE", help="the store may be this large")
    pruning.add_argument("--min-free", metavar="SIZE", help="this much of the disk should be free")
    pruning.add_argument("--all", action="store_true", help="remove all that is not in use")
    pruning.set_defaults(run=prune)
    return parser
