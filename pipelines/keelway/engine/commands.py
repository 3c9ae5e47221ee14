"""The commands of `keelway-engine` that people type; `session` is for the SDK to start."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from keelway.engine import cachetravel, housekeeping
from keelway.engine.doctor import examine
from keelway.engine.errors import EngineError
from keelway.engine.forms import FORMS
from keelway.engine.settings import Settings
from keelway.engine.sizes import parse_age, parse_size
from keelway.engine.store.usage import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_KINDS = {kind.replace(" ", "-"): kind for kind in KINDS}
_EXIT_CODES = "exit codes: 0 done, 1 it failed, 2 the command line is wrong"


def run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.run is prune and options.all and (options.max_used or options.min_free):
        parser.error("--all leaves no room for --max-used or --min-free: give one or the other")
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


def du(options: argparse.Namespace) -> int:
    """Tell what the store holds."""
    return housekeeping.du(Settings.of(os.environ), _kinds(options), as_json=options.json)


def prune(options: argparse.Namespace) -> int:
    """Make room in the store."""
    budget = housekeeping.Budget(
        everything=options.all,
        max_used=options.max_used,
        min_free=options.min_free,
        unused_for=options.unused_for,
        kinds=_kinds(options),
    )
    return housekeeping.prune(
        Settings.of(os.environ), budget, only_look=options.dry_run, as_json=options.json
    )


def export_cache(options: argparse.Namespace) -> int:
    """Write what was used of the store into a folder."""
    return cachetravel.export_cache(
        Settings.of(os.environ),
        options.folder,
        used_within=options.used_within,
        pipeline=options.pipeline,
        volumes=options.volume or (),
        as_json=options.json,
    )


def import_cache(options: argparse.Namespace) -> int:
    """Take over a cache from a folder."""
    if options.missing:
        return cachetravel.tell_missing(
            Settings.of(os.environ), options.folder, as_json=options.json
        )
    return cachetravel.import_cache(
        Settings.of(os.environ),
        options.folder,
        digest=options.digest,
        pipeline=options.pipeline or "",
        as_json=options.json,
    )


def _kinds(options: argparse.Namespace) -> frozenset[str]:
    return frozenset(_KINDS[name] for name in options.kind or ())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="keelway-engine",
        allow_abbrev=False,
        description="A local engine for Dagger's SDK: no daemon, no root, no Docker.",
        epilog="The SDK starts it by itself: export _EXPERIMENTAL_DAGGER_CLI_BIN=$(command -v "
        "keelway-engine). KEELWAY_STORE says where it keeps things, KEELWAY_ENGINE_PROGRESS how "
        f"it tells of its work: {', '.join(FORMS[:-1])} or {FORMS[-1]}; OTEL_* where it sends it; "
        "KEELWAY_ENGINE_GC how large the store may be: 20GB, 10% of the disk, "
        "maxUsedSpace=50GB,minFreeSpace=10%, or off.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    # Only for the help: `session` never comes here.
    commands.add_parser("session", help="serve one client until its end of input (for the SDK)")
    _add(
        commands.add_parser(
            "doctor",
            help="tell what this machine has and lacks",
            description="Tell what this machine has for the engine and what it lacks, with the "
            "Debian package that brings it. What is only `absent` is not needed for all work.",
            epilog="exit codes: 0 all that is needed is here, 1 something is missing",
        ),
        doctor,
    )
    usage = _add(
        commands.add_parser(
            "du",
            help="tell what the store holds, the oldest first",
            description="Tell what the store holds: size on disk, when it was last used (UTC), "
            "what it is, whether a live session uses it; the least recently used first.",
            epilog=_EXIT_CODES,
        ),
        du,
    )
    _add_kind(usage)
    _add_prune(commands.add_parser("prune", help="remove what was not used for longest"))
    _add_cache(commands.add_parser("cache", help="move the cache to and from a folder"))
    return parser


def _add_cache(command: argparse.ArgumentParser) -> None:
    command.description = (
        "Move what operations have made from one machine's store to another's. The folder is an "
        "OCI image layout with one artifact: what copies OCI artifacts copies it. Only the digest "
        "that is told has to be trusted: it names all the rest by content."
    )
    ways = command.add_subparsers(required=True, metavar="WAY")
    export = _add(
        ways.add_parser(
            "export",
            help="write what was used lately into a folder",
            description="Write the results that were used lately, with what they need, into a "
            "folder. What it has already is not written again, and what is not needed any more "
            "is removed.",
            epilog=_EXIT_CODES,
        ),
        export_cache,
    )
    export.add_argument("folder", type=Path, metavar="FOLDER", help="made if it is not there")
    export.add_argument(
        "--used-within",
        metavar="AGE",
        type=_age,
        default="7d",
        help="how long ago it may have been used, on any machine: 12h, 7d (default: %(default)s)",
    )
    _add_pipeline(export, "only what sessions of this pipeline used (KEELWAY_ENGINE_PIPELINE)")
    export.add_argument(
        "--volume",
        metavar="NAME",
        action="append",
        help="a cache volume that goes along, by its name; repeatable",
    )
    taking = _add(
        ways.add_parser(
            "import",
            help="take over what a folder has",
            description="Take over what a folder has and the store has not. Layers are unpacked "
            "when they are needed. What is damaged is told, and made again when it is needed.",
            epilog=_EXIT_CODES,
        ),
        import_cache,
    )
    taking.add_argument("folder", type=Path, metavar="FOLDER", help="what export has written")
    _add_pipeline(taking, "whose it is from now on, as far as it was used")
    taking.add_argument(
        "--digest", metavar="DIGEST", help="the only one that is believed, as export told it"
    )
    taking.add_argument(
        "--missing",
        action="store_true",
        help="take nothing, tell the digests of what the store lacks; the folder needs no more "
        "than its lists for that",
    )


def _add_pipeline(command: argparse.ArgumentParser, text: str) -> None:
    command.add_argument("--pipeline", metavar="NAME", help=text)


def _add(
    command: argparse.ArgumentParser, work: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    """Give a command its work, and what all commands have."""
    command.allow_abbrev = False
    command.add_argument("--json", action="store_true", help="for programs")
    command.set_defaults(run=work)
    return command


def _add_kind(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--kind",
        action="append",
        metavar="KIND",
        choices=list(_KINDS),
        help=f"only parts of this kind, repeatable: {', '.join(_KINDS)}",
    )


def _add_prune(command: argparse.ArgumentParser) -> None:
    command.description = (
        "Remove what was not used for longest, and nothing that a live session uses. Without any "
        "option it is what KEELWAY_ENGINE_GC says, by default 60% of the disk, of which 10% stay "
        "free; with --unused-for or --kind and no size, all that matches goes. Sizes are written "
        "as 500MB, 1.5GiB, or 10% of the disk, ages as 30m, 12h or 7d."
    )
    command.epilog = _EXIT_CODES
    _add(command, prune)
    command.add_argument(
        "--max-used", metavar="SIZE", type=_size, help="the store may be this large"
    )
    command.add_argument(
        "--min-free", metavar="SIZE", type=_size, help="this much of the disk should be free"
    )
    command.add_argument(
        "--unused-for", metavar="AGE", type=_age, help="only what was not used for so long"
    )
    _add_kind(command)
    command.add_argument("--all", action="store_true", help="remove all that is not in use")
    command.add_argument(
        "--dry-run", action="store_true", help="remove nothing, only tell what would be"
    )


def _size(text: str) -> str:
    """Return the text if it is a size: what a percentage means, only the store's disk tells."""
    try:
        parse_size(text, of=0)
    except EngineError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def _age(text: str) -> str:
    try:
        parse_age(text)
    except EngineError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text
