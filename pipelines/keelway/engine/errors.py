"""What the engine may say went wrong: each error here becomes one GraphQL error.

The shape on the wire is Dagger's (`extensions._type` selects the SDK's exception); everything
that is no `EngineError` is a defect of the engine and is reported as an internal error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_ORIGIN: Final = "[traceparent:"


class EngineError(Exception):
    """A failure that the user caused or can act on; the text is the whole message."""

    def extensions(self) -> Mapping[str, object]:
        """Return the `extensions` of the GraphQL error; empty for a plain one."""
        return {}

    def trace(self, origin: str) -> None:
        """Name the span in which it happened (`TRACE-SPAN`) at the end of the text, as Dagger does.

        Only the first one counts: the innermost, where it began.
        """
        text = str(self)
        if origin and _ORIGIN not in text:
            self.args = (f"{text} {_ORIGIN}{origin}]", *self.args[1:])


class ExecFailed(EngineError):  # noqa: N818 - named after what happened, as ExecError is the SDK's
    """A command ended with an exit code that its caller did not expect."""

    def __init__(
        self,
        message: str,
        *,
        command: Sequence[str],
        exit_code: int,
        stdout: str,
        stderr: str,
    ) -> None:
        """Keep what the SDK's `ExecError` reads: all four keys are always sent."""
        super().__init__(message)
        self.command = tuple(command)
        self.exit_code = exit_code
        self.stdout = stdout
        self.stderr = stderr

    def extensions(self) -> Mapping[str, object]:
        """Return the four keys that the SDK reads without asking, and the type."""
        return {
            "_type": "EXEC_ERROR",
            "cmd": list(self.command),
            "exitCode": self.exit_code,
            "stdout": self.stdout,
            "stderr": self.stderr,
        }


class Unsupported(EngineError):  # noqa: N818 - reads as the answer it is
    """A part of the API that this engine does not have."""


class RegistryError(EngineError):
    """A registry was not reached, refused, or does not have what was asked for."""


class UnreachedError(RegistryError):
    """A registry was not reached, failed, or is too busy: another place may have it."""
