"""The options that several commands share: written once, so that they read the same everywhere."""

from pathlib import Path
from typing import Annotated

import typer

from keelway._cli.completing import complete_built_platform, complete_image, complete_suite
from keelway.model.engine_choice import EngineChoice
from keelway.model.progress_form import ProgressForm

ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help="The configuration: a file, or a directory that holds one. "
        "Searched for from the current directory upwards when absent.",
    ),
]

Engine = Annotated[
    EngineChoice,
    typer.Option(
        "--engine",
        help="What does the work: the local engine, Dagger's own, or the first that is there.",
    ),
]

ChangedSince = Annotated[
    str | None,
    typer.Option(
        "--since",
        "--changed-since",
        metavar="COMMIT",
        help="Build only images with inputs that changed since then, by git: a branch, a tag or "
        "a commit. All of them where git cannot tell, as in a clone that is too shallow.",
    ),
]

CacheFrom = Annotated[
    list[str] | None,
    typer.Option(
        "--cache-from",
        envvar="KEELWAY_CACHE_FROM",
        show_envvar=False,
        metavar="PLACE",
        help="Take over a cache of the local engine first: a folder, REGISTRY/REPOSITORY:TAG, or "
        "as buildx has them; instead of what [cache] and KEELWAY_CACHE_FROM say. May be given "
        "several times.",
    ),
]

CacheTo = Annotated[
    list[str] | None,
    typer.Option(
        "--cache-to",
        envvar="KEELWAY_CACHE_TO",
        show_envvar=False,
        metavar="PLACE",
        help="Put the local engine's cache there afterwards, as far as this project used it; "
        "instead of what [cache] and KEELWAY_CACHE_TO say. May be given several times.",
    ),
]

AsJson = Annotated[bool, typer.Option("--json", help="Print the same as data.")]

Progress = Annotated[
    ProgressForm,
    typer.Option(
        "--progress",
        help="How the work is told of on standard error: a live view (tty), lines for people "
        "(plain), objects for programs (json), or not at all. auto takes what the terminal can.",
    ),
]

Rerun = Annotated[
    bool,
    typer.Option(
        "--rerun",
        help="Run all tests, also those that passed before with nothing changed since.",
    ),
]

Platforms = Annotated[
    list[str] | None,
    typer.Option(
        "--platform",
        metavar="PLATFORM",
        help="Only this platform; may be given several times.",
        autocompletion=complete_built_platform,
    ),
]

Images = Annotated[
    list[str] | None,
    typer.Option(
        "--image",
        metavar="NAME",
        help="Only this image; may be given several times.",
        autocompletion=complete_image,
    ),
]

Suites = Annotated[
    list[str] | None,
    typer.Option(
        "--suite",
        metavar="NAME",
        help="Only this test suite; may be given several times. The experiments that inject "
        "faults are `faults`.",
        autocompletion=complete_suite,
    ),
]
