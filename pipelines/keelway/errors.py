"""Everything that keelway raises on purpose, with the exit code of each.

```
KeelwayError 1          what happened, why, what to do next
  ConfigError 2         file, line, key, "did you mean"
  PlanError 3           well written but impossible
  SessionError 4        no engine was reached or started; what was tried, in order
  StageError 5          a stage broke
    ToolError             a program ended with an exit code that nobody wanted
    ToolOutputError       a program wrote something that did not parse
    PublishError          some registry did not take an image; what is already done
  GateError 6           everything ran, the gate says no; carries the verdict
  DeployError 7         the new version failed, the old one serves again
  RollbackError 8       that failed too: a person is needed
  InconclusiveError 9   nobody can tell whether the new version is good: a person decides
  CommandError 126      what `keelway run` was given can't be executed
    CommandNotFoundError 127   it is not there
```

Example:
    >>> error = PlanError("unknown platform 'linux/amd46'", next_step="use linux/amd64")
    >>> error.exit_code
    3
    >>> print(error.diagnostics())
    unknown platform 'linux/amd46'
    next: use linux/amd64
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

OUTPUT_LIMIT_BYTES = 64 * 1024
"""No error shows more of a program's output than this."""

TAIL_LINES = 40
"""So many last lines of a program's output are shown to a person."""

EXIT_INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells expect it (128 + SIGINT)."""

_MASK = "***"
# Bounded on every side: what programs write is long, and is searched whenever something fails.
_URL_LOGIN = re.compile(r"\b(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]{0,30}://)[^/\s@]{1,1000}@")
_AUTH_HEADER = re.compile(
    r"(?i)(\bauthorization\s{0,3}[:=]\s{0,3}[\"']?(?:(?:basic|bearer)\s{1,3})?)[^\s\"',]{1,4000}"
)
_BEARER = re.compile(r"(?i)\b(bearer|basic) [a-z0-9._~+/=-]{16,}")


def redact(text: str, values: Iterable[str] = ()) -> str:
    """Return the text with logins in URLs, authorization headers and the given values masked.

    Args:
        text: What is about to be shown to somebody.
        values: Secrets known by value; empty ones are ignored, longer ones go first.
    """
    for value in sorted({v.strip() for v in values} - {""}, key=len, reverse=True):
        text = text.replace(value, _MASK)
    text = _URL_LOGIN.sub(rf"\g<scheme>{_MASK}@", text)
    text = _AUTH_HEADER.sub(rf"\g<1>{_MASK}", text)
    return _BEARER.sub(rf"\g<1> {_MASK}", text)


def cut(text: str, limit_bytes: int = OUTPUT_LIMIT_BYTES) -> str:
    """Return at most so many bytes of the text: its end, where the reason usually stands."""
    data = text.encode(errors="replace")
    if len(data) <= limit_bytes:
        return text
    kept = data[-limit_bytes:].decode(errors="ignore")
    return f"[{len(data) - limit_bytes} bytes left out]\n{kept}"


def tail(text: str, lines: int = TAIL_LINES) -> str:
    """Return the last lines of a program's output, cut to the limit."""
    rows = text.rstrip().splitlines()
    left_out = len(rows) - lines
    kept = "\n".join(rows[-lines:])
    return cut(kept if left_out <= 0 else f"[{left_out} lines left out]\n{kept}")


class KeelwayError(Exception):
    """Anything that keelway raises on purpose; catch this to catch them all."""

    exit_code: ClassVar[int] = 1

    def __init__(
        self, message: str, *, why: str | None = None, next_step: str | None = None
    ) -> None:
        """Keep what happened, why it did, and what the reader can do next."""
        super().__init__(message)
        self.message = message
        self.why = why
        self.next_step = next_step

    def details(self) -> list[str]:
        """Return the lines between what happened and what to do next."""
        return [] if self.why is None else [f"why: {self.why}"]

    def diagnostics(self, secrets: Iterable[str] = ()) -> str:
        """Return the whole story for a person: redacted and cut at 64 KiB.

        Args:
            secrets: Values that must not be shown, beside those that are recognised by their form.
        """
        lines = [self.message, *self.details(), *getattr(self, "__notes__", ())]
        if self.next_step is not None:
            lines.append(f"next: {self.next_step}")
        return cut(redact("\n".join(lines), secrets))


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigProblem:
    """One thing that is wrong in what the user wrote."""

    file: str
    line: int | None
    key: str
    text: str
    suggestion: str | None = None

    def __str__(self) -> str:
        """Return the problem on one line, in the form that editors can jump to."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        key = f"{self.key}: " if self.key else ""
        hint = "" if self.suggestion is None else f". Did you mean '{self.suggestion}'?"
        return f"{place}: {key}{self.text}{hint}"


class ConfigError(KeelwayError):
    """What the user wrote is wrong; every problem is named with its file, line and key."""

    exit_code = 2

    def __init__(self, problems: Sequence[ConfigProblem], *, next_step: str | None = None) -> None:
        """Keep all problems; the message has one line for each."""
        super().__init__("\n".join(str(problem) for problem in problems), next_step=next_step)
        self.problems = tuple(problems)


class PlanError(KeelwayError):
    """What is asked for is well written but impossible."""

    exit_code = 3


class SessionError(KeelwayError):
    """No engine was reached or started."""

    exit_code = 4

    def __init__(
        self,
        message: str,
        *,
        tried: Sequence[str] = (),
        why: str | None = None,
        next_step: str | None = None,
    ) -> None:
        """Keep what was tried, in order."""
        super().__init__(message, why=why, next_step=next_step)
        self.tried = tuple(tried)

    def details(self) -> list[str]:
        """Return the reason and one line for each thing that was tried."""
        return [*super().details(), *(f"tried: {attempt}" for attempt in self.tried)]


class StageError(KeelwayError):
    """A stage broke; findings and failed tests are results, not this."""

    exit_code = 5

    def __init__(
        self,
        message: str,
        *,
        stage: str,
        why: str | None = None,
        next_step: str | None = None,
        partial: object = None,
    ) -> None:
        """Keep the stage and, where something was done before the failure, its partial result."""
        super().__init__(message, why=why, next_step=next_step)
        self.stage = stage
        self.partial = partial


class ToolError(StageError):
    """A program ended with an exit code that its caller did not want."""

    def __init__(  # noqa: PLR0913 - an error has as many facts as it has
        self,
        message: str,
        *,
        stage: str,
        command: Sequence[str] = (),
        code: int | None = None,
        output: str = "",
        why: str | None = None,
        next_step: str | None = None,
    ) -> None:
        """Keep the command, its exit code and the end of its output."""
        super().__init__(message, stage=stage, why=why, next_step=next_step)
        self.command = tuple(command)
        self.code = code
        self.output = cut(output)

    def details(self) -> list[str]:
        """Return the command, the exit code and the tail of the output."""
        lines = super().details()
        if self.command:
            lines.append(f"command: {' '.join(self.command)}")
        if self.code is not None:
            lines.append(f"exit code: {self.code}")
        if self.output.strip():
            lines.append("output:")
            lines.extend(f"  {row}" for row in tail(self.output).splitlines())
        return lines


class ToolOutputError(StageError):
    """A program succeeded but wrote something that did not parse."""

    def __init__(
        self,
        message: str,
        *,
        stage: str,
        text: str,
        why: str | None = None,
        next_step: str | None = None,
    ) -> None:
        """Keep the text that did not parse."""
        super().__init__(message, stage=stage, why=why, next_step=next_step)
        self.text = cut(text)

    def details(self) -> list[str]:
        """Return the reason and the head of the text."""
        shown = self.text.splitlines()[:TAIL_LINES]
        return [*super().details(), "text:", *(f"  {row}" for row in shown)]


class RegistryError(StageError):
    """A registry cannot be reached, or refused what was asked of it."""

    def __init__(
        self,
        message: str,
        *,
        stage: str,
        status: int | None = None,
        why: str | None = None,
        next_step: str | None = None,
        unreached: bool = False,
    ) -> None:
        """Keep the HTTP status, where there was an answer, and whether there was none at all."""
        super().__init__(message, stage=stage, why=why, next_step=next_step)
        self.status = status
        self.unreached = unreached


class PublishError(StageError):
    """Some image did not reach some registry; `partial` tells what did."""

    _DONE: ClassVar[dict[str, str]] = {"publish": "published", "promote": "promoted"}

    def __init__(
        self,
        message: str,
        *,
        failed: Sequence[str],
        done: Sequence[str],
        partial: object,
        next_step: str | None = None,
        stage: str = "publish",
    ) -> None:
        """Keep one line for each failure and one for each reference that is already there."""
        super().__init__(message, stage=stage, next_step=next_step, partial=partial)
        self.failed = tuple(failed)
        self.done = tuple(done)

    def details(self) -> list[str]:
        """Return what failed, with what was tried, and what is done already."""
        done = [f"already {self._DONE[self.stage]}: {line}" for line in self.done]
        nothing = f"nothing was {self._DONE[self.stage]}"
        return [*(f"failed: {line}" for line in self.failed), *(done or [nothing])]


class Judgement(Protocol):
    """What `GateError` needs of a verdict; `keelway.model.verdict.Verdict` is the one there is."""

    @property
    def passed(self) -> bool:
        """Whether the gate lets the images through."""
        ...

    def reasons(self) -> tuple[str, ...]:
        """Return one line for each thing that speaks against it."""
        ...


class GateError(KeelwayError):
    """All stages ran and the gate says no; the report is complete."""

    exit_code = 6

    def __init__(self, message: str, *, verdict: Judgement, next_step: str | None = None) -> None:
        """Keep the verdict."""
        super().__init__(message, next_step=next_step)
        self.verdict = verdict

    @property
    def partial(self) -> Judgement:
        """Return what there is instead of a result: the verdict."""
        return self.verdict

    def details(self) -> list[str]:
        """Return one line for each thing that speaks against the release."""
        return [f"refused: {reason}" for reason in self.verdict.reasons()]


class DeployError(KeelwayError):
    """The new version failed; the old one serves again."""

    exit_code = 7


class RollbackError(KeelwayError):
    """Going back failed too: a person is needed."""

    exit_code = 8


class InconclusiveError(KeelwayError):
    """Nobody can tell whether the new version is good: both run, and a person decides."""

    exit_code = 9


class CommandError(KeelwayError):
    """The command that `keelway run` was given can't be executed."""

    exit_code = 126


class CommandNotFoundError(CommandError):
    """There is no such command as `keelway run` was given."""

    exit_code = 127
