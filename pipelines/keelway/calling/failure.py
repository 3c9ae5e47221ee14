"""A function's failure in keelway's words, in the form in which it passes through Dagger.

A Python exception that leaves a function ends Dagger's command line with exit code 1, whatever it
says. An API error that carries an exit code ends it with that one, so keelway's errors leave as
such: the diagnostics are the message, and the exit code is the one that the command has.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import dagger
import gql

if TYPE_CHECKING:
    from keelway.errors import KeelwayError


@dataclass(frozen=True, slots=True)
class _Said:
    """An error as the API would say it."""

    message: str
    extensions: dict[str, object]
    locations: None = None
    path: None = None

    def __str__(self) -> str:
        """Return the message."""
        return self.message


class FunctionFailure(dagger.ExecError):
    """A function that failed on purpose."""

    reason: KeelwayError

    @classmethod
    def of(cls, error: KeelwayError, function: str) -> FunctionFailure:
        """Return the failure for an error of keelway's.

        Args:
            error: What stopped the function.
            function: Its name.
        """
        extensions: dict[str, object] = {
            "_type": "EXEC_ERROR",
            "cmd": ["keelway", function.replace("_", "-")],
            "exitCode": error.exit_code,
            "stdout": "",
            "stderr": "",
        }
        said = cast("Any", [_Said(error.diagnostics(), extensions)])
        failure = cls(said, gql.GraphQLRequest("{ version }"))
        failure.reason = error
        return failure


def _is_unforeseen(record: logging.LogRecord) -> bool:
    """Return whether a traceback helps: it does not where keelway says what to do."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, FunctionFailure)


# The SDK logs every API error with its traceback.
logging.getLogger("dagger.mod").addFilter(_is_unforeseen)
