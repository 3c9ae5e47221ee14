"""The contract that every stage follows: a name, a span, one way to fail, one way to skip.

A stage is an async function of a `Run`, a Spec and its inputs that returns one frozen result:

    @stage("scan")
    async def scan(run: Run, spec: ScanSpec, images: Images) -> Findings: ...

Given a `Skipped` in place of its Spec it says so and returns that. What the engine raises comes out
as a `StageError`. It settles what it returns before it returns.
"""

from __future__ import annotations

import functools
import re
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, TypeVar, cast, overload

import anyio

from keelway.errors import KeelwayError, SessionError, StageError, ToolError, redact
from keelway.model.outcome import Skipped, Status

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable, Mapping

    import dagger

    from keelway.model.checkout import Checkout
    from keelway.model.events import Observer

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)
R = TypeVar("R")
S = TypeVar("S")
T = TypeVar("T")
S_contra = TypeVar("S_contra", contravariant=True)

# `Dockerfile:4: RUN make: exit code: 2`
_STEP = re.compile(r"(?P<step>[^\n]+:\d+: .+): exit code: \d+", re.DOTALL)


class Clock(Protocol):
    """Where stages would read the time, if they had to."""

    def now(self) -> datetime:
        """Return the time, aware and in UTC."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the time, aware and in UTC."""
        return datetime.fromtimestamp(time.time(), UTC)


def _silent() -> Observer:
    from keelway.model.events import Silent  # noqa: PLC0415 - not for a plan

    return Silent()


@dataclass(frozen=True, slots=True)
class Run:
    """What every stage gets: the engine's client, whoever listens, and the clock."""

    dag: dagger.Client
    """The engine's client."""
    observer: Observer = field(default_factory=_silent)
    """Who hears what happens."""
    clock: Clock = field(default_factory=SystemClock)
    """What time it is."""
    checkout: Checkout | None = None
    """Where local paths are read from, when not from the machine of the engine's client."""
    secrets: Mapping[str, dagger.Secret] = field(default_factory=dict[str, "dagger.Secret"])
    """What stands for environment variables of these names, where secrets are read."""
    builds: anyio.CapacityLimiter | None = None
    """How many images are built at once by all runs that share it."""
    writing: dict[str, anyio.Lock] = field(default_factory=dict[str, anyio.Lock])
    """Whose turn it is to add to a tag of a registry, by the tag's full name."""

    def say(self, stage: str, text: str) -> None:
        """Tell whoever listens one line about a stage's work."""
        from keelway.model.events import Note  # noqa: PLC0415 - not for a plan

        self.observer.on(Note(stage=stage, text=text))

    def watched(
        self, stage: str, label: Callable[[T], str], work: Callable[[T], Awaitable[R]]
    ) -> Callable[[T], Awaitable[R]]:
        """Return the same work on an item, of which whoever listens is told.

        Args:
            stage: The stage that works.
            label: What people call an item.
            work: What is done with one.
        """

        async def do(item: T) -> R:
            with _item(self, stage, label(item)):
                return await work(item)

        return do


class Stage(Protocol[S_contra, P, R_co]):
    """An async function of (run, spec, *inputs) that a plan may also skip."""

    @overload
    async def __call__(
        self, run: Run, spec: Skipped, /, *args: P.args, **kwargs: P.kwargs
    ) -> Skipped: ...
    @overload
    async def __call__(
        self, run: Run, spec: S_contra, /, *args: P.args, **kwargs: P.kwargs
    ) -> R_co: ...
    @overload
    async def __call__(
        self, run: Run, spec: S_contra | Skipped, /, *args: P.args, **kwargs: P.kwargs
    ) -> R_co | Skipped: ...


def stage(
    name: str,
) -> Callable[[Callable[Concatenate[Run, S, P], Coroutine[object, object, R]]], Stage[S, P, R]]:
    """Make a stage of an async function of (run, spec, *inputs).

    As one it is told of when it starts and ends, is in the report, may be given `Skipped` in place
    of its spec, and turns what the engine raises into errors that name it.

    Args:
        name: What reports and errors call it.
    """

    def decorate(
        body: Callable[Concatenate[Run, S, P], Coroutine[object, object, R]],
    ) -> Stage[S, P, R]:
        @functools.wraps(body)
        async def run_stage(
            run: Run, spec: S | Skipped, /, *args: P.args, **kwargs: P.kwargs
        ) -> R | Skipped:
            from keelway.model.events import StageSkipped  # noqa: PLC0415 - not for a plan

            if isinstance(spec, Skipped):
                run.observer.on(StageSkipped(stage=name, reason=spec.reason, at=run.clock.now()))
                return spec
            with _span(run, name) as ended, failures_of(name):
                result = await body(run, spec, *args, **kwargs)
                ended.append(result)
                return result

        return cast("Stage[S, P, R]", run_stage)

    return decorate


@contextmanager
def _span(run: Run, name: str) -> Generator[list[object]]:
    """Tell when a stage starts and how it ends; its result is put into the list."""
    from keelway.model.events import StageEnded, StageStarted  # noqa: PLC0415 - not for a plan

    started, result = time.monotonic(), list[object]()
    run.observer.on(StageStarted(stage=name, at=run.clock.now()))

    def end(status: Status, value: object = None, error: BaseException | None = None) -> None:
        seconds = time.monotonic() - started
        run.observer.on(
            StageEnded(
                stage=name,
                at=run.clock.now(),
                seconds=seconds,
                status=status,
                result=value,
                error=error,
            )
        )

    try:
        yield result
    except Exception as error:
        end(Status.FAILED, getattr(error, "partial", None), error)
        raise
    except BaseException:  # cancelled, or Ctrl-C
        end(Status.CANCELLED)
        raise
    else:
        end(Status.OK, result[0] if result else None)


@contextmanager
def _item(run: Run, stage: str, item: str) -> Generator[None]:
    """Tell when a stage begins and ends with an item."""
    from keelway.model.events import ItemEnded, ItemStarted  # noqa: PLC0415 - not for a plan

    started, status = time.monotonic(), Status.OK
    run.observer.on(ItemStarted(stage=stage, item=item))
    try:
        yield
    except Exception:
        status = Status.FAILED
        raise
    except BaseException:  # cancelled, since another one failed, or Ctrl-C
        status = Status.CANCELLED
        raise
    finally:
        seconds = time.monotonic() - started
        run.observer.on(ItemEnded(stage=stage, item=item, seconds=seconds, status=status))


@contextmanager
def failures_of(stage: str, doing: str = "", secrets: Iterable[str] = ()) -> Generator[None]:
    """Turn what the engine raises into keelway's errors.

    Args:
        stage: The stage that is at work.
        doing: What is done in it, for the message: `building orders (linux/arm64)`.
        secrets: Values that must not appear in the error.

    Raises:
        ToolError: A command ended with an exit code that was not expected.
        SessionError: The engine went away.
        StageError: Anything else that the engine refused.
    """
    try:
        yield
    except KeelwayError:
        raise
    except Exception as error:
        known = translate(error, stage=stage, doing=doing, secrets=tuple(secrets))
        if known is None:
            raise
        raise known from error


def translate(
    error: Exception, *, stage: str, doing: str = "", secrets: tuple[str, ...] = ()
) -> KeelwayError | None:
    """Return keelway's error for one of the SDK's; nothing for one that is not the SDK's."""
    import dagger  # noqa: PLC0415 - planning imports this module, and must not pay for the SDK

    what = f"{doing} failed" if doing else f"the stage {stage} failed"
    if isinstance(error, dagger.ExecError):
        streams = [part for part in (error.stdout.strip(), error.stderr.strip()) if part]
        step = _step_of(error.message)
        return ToolError(
            f"{what}: {redact(step, secrets)} ended with exit code {error.exit_code}",
            stage=stage,
            command=[redact(word, secrets) for word in error.command],
            code=error.exit_code,
            output=redact("\n".join(streams), secrets),
        )
    text = redact(str(error), secrets).strip()
    if isinstance(error, dagger.QueryError | dagger.InvalidQueryError):
        return StageError(f"{what}: {text}", stage=stage)
    if isinstance(error, dagger.DaggerError) or _is_lost_connection(error):
        return SessionError(
            f"{what}: the engine went away",
            why=text or type(error).__name__,
            next_step="run again: what was finished is cached; if it happens again, "
            "look at the engine's own messages above",
        )
    return None


def _step_of(message: str) -> str:
    """Return the step that an engine's message about an exit code names, with file and line."""
    found = _STEP.match(message)
    return "a command" if found is None else found["step"]


def _is_lost_connection(error: Exception) -> bool:
    """Return whether the connection to the engine broke, in the words of the SDK's own parts."""
    module = type(error).__module__.partition(".")[0]
    broken = (anyio.BrokenResourceError, anyio.EndOfStream, ConnectionError)
    return module in {"gql", "httpx", "httpcore", "tenacity"} or isinstance(error, broken)
