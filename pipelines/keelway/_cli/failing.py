"""Every way a command can end that is not success, each with its exit code and no traceback."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING

from keelway._cli import env, output
from keelway.errors import EXIT_INTERRUPTED, KeelwayError

if TYPE_CHECKING:
    from collections.abc import Generator

EXIT_BROKEN_PIPE = 128 + signal.SIGPIPE


class StoppedError(Exception):
    """A signal asked the program to stop, and it did, in order."""

    def __init__(self, number: int) -> None:
        """Keep the signal."""
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.exit_code = 128 + number


@contextmanager
def exit_codes() -> Generator[None]:
    """Turn errors into diagnostics and exit codes.

    Raises:
        SystemExit: With the code, after the diagnostics are written.
    """
    try:
        yield
    except KeelwayError as error:
        output.failure(error.diagnostics())
        raise SystemExit(_shown(error, error.exit_code)) from error
    except StoppedError as error:
        output.failure(str(error))
        raise SystemExit(error.exit_code) from error
    except KeyboardInterrupt as error:
        output.failure("stopped by SIGINT")
        raise SystemExit(EXIT_INTERRUPTED) from error
    except BrokenPipeError as error:
        # Whoever read our output has gone: Python must not complain about it once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(EXIT_BROKEN_PIPE) from error
    except Exception as error:
        if _is_for_typer(error):
            raise
        output.failure(_unexpected(error))
        raise SystemExit(_shown(error, KeelwayError.exit_code)) from error


def _is_for_typer(error: Exception) -> bool:
    """Return whether it is how Typer ends: by a code, or by explaining a wrong command line."""
    return type(error).__module__.partition(".")[0] == "typer"


def _unexpected(error: Exception) -> str:
    return (
        f"keelway met something that it was not made for: {type(error).__name__}: {error}\n"
        "why: this is a mistake in keelway, not in what you wrote\n"
        f"next: run again with {env.DEBUG_VARIABLE}=1 to see where, and report it with that text"
    )


def _shown(error: BaseException, code: int) -> int:
    """Write the traceback if the user asked for it, and return the code."""
    if env.wants_traceback():
        output.notice("".join(traceback.format_exception(error)).rstrip())
    return code
