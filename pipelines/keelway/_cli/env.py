"""The environment, read here and nowhere else in the library."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from keelway.model.progress_form import ProgressForm

DEBUG_VARIABLE = "KEELWAY_DEBUG"

SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"
"""GitHub's variable; Gitea and Forgejo have the same."""


def environment() -> Mapping[str, str]:
    """Return the variables of this process as they are now."""
    return dict(os.environ)


def without_plugins() -> None:
    """Keep pydantic from looking for plugins in every package: keelway has no use for any."""
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


def traced() -> bool:
    """Return whether traces are asked for, or what this process does belongs to one."""
    return any(name.startswith("OTEL_") or name == "TRACEPARENT" for name in os.environ)


def wants_traceback() -> bool:
    """Return whether the user asked to see where errors come from."""
    return os.environ.get(DEBUG_VARIABLE, "0") not in {"", "0"}


def summary_file() -> Path | None:
    """Return the file that the CI shows beside the job; nothing where it has none."""
    named = os.environ.get(SUMMARY_VARIABLE)
    return Path(named) if named else None


def wants_colour(*, is_terminal: bool) -> bool:
    """Return whether to write in colour to a terminal, or to what is none (https://no-color.org)."""
    is_able = is_terminal and os.environ.get("TERM", "dumb") not in {"", "dumb"}
    return is_able and not os.environ.get("NO_COLOR")


def terminal_form(asked: ProgressForm) -> ProgressForm:
    """Return the form of progress to use on standard error, which must suit where that goes.

    A live view needs a terminal that can move its cursor; unless it is asked for, a CI gets lines
    even on a terminal, since it keeps them as a file.
    """
    if asked not in {ProgressForm.AUTO, ProgressForm.TTY}:
        return asked
    is_able = sys.stderr.isatty() and os.environ.get("TERM", "dumb") not in {"", "dumb"}
    is_watched = asked is ProgressForm.TTY or os.environ.get("CI", "") in {"", "false", "0"}
    return ProgressForm.TTY if is_able and is_watched else ProgressForm.PLAIN


def sole_form(asked: ProgressForm) -> ProgressForm:
    """Return the form to use beside a program that has standard output for itself.

    Unless it is asked for, there is no live view on a terminal that the program writes to.
    """
    if asked is ProgressForm.AUTO and sys.stdout.isatty():
        return ProgressForm.PLAIN
    return terminal_form(asked)
