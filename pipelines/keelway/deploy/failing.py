"""The errors of a rollout: what failed, what serves now, and what a person has to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from keelway.deploy.host import STAGE
from keelway.errors import DeployError, KeelwayError, RollbackError, StageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.deploy.release import Release
    from keelway.deploy.side import Side
    from keelway.deploy.turn import Working

ErrorT = TypeVar("ErrorT", bound=KeelwayError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A host on which something did not work."""

    working: Working
    error: KeelwayError

    @property
    def host(self) -> str:
        """Return its name."""
        return self.working.site.host.name


def not_deployed(release: Release, error: KeelwayError) -> DeployError:
    """Return the error for a release that could not be prepared."""
    failed = DeployError(
        f"{release.version} was not deployed, and nothing was changed",
        why=error.message,
        next_step=error.next_step,
    )
    return _with_details(failed, error)


def undone_error(release: Release, sides: Sequence[Side], error: BaseException) -> DeployError:
    """Return the error for a release that failed, where the old one serves again."""
    versions = dict.fromkeys(side.version or "nothing" for side in sides)
    hosts = "all hosts" if len(sides) > 1 else sides[0].name
    old = " and ".join(versions)
    serves = f"{old} serves again on {hosts}"
    if set(versions) == {"nothing"}:
        serves = f"nothing of it is left on {hosts}: nothing ran there before"
    failed = DeployError(
        f"{release.version} failed; {serves}", why=_words(error), next_step=_next_step(error)
    )
    return _with_details(failed, error)


def rollback_error(
    target: str, release: Release, error: BaseException, failed: Sequence[Failed]
) -> RollbackError:
    """Return the error for a release that failed, where going back failed too."""
    hosts = ", ".join(one.host for one in failed)
    raised = RollbackError(
        f"{release.version} failed, and {hosts} could not go back: a person is needed",
        why=_words(error),
        next_step=f"put right what is wrong on {hosts}, then `keelway rollback {target}`: it goes "
        "on from where it stopped",
    )
    for one in failed:
        raised.add_note(f"{one.host}: {one.error.message}")
        for line in one.error.details():
            raised.add_note(f"  {line}")
    return raised


def frozen_error(target: str, release: Release, error: BaseException) -> RollbackError:
    """Return the error for a release that failed, and must not be undone unasked."""
    failed = RollbackError(
        f"{release.version} failed, and is frozen: nothing was undone, a person is needed",
        why=f"{_words(error)}; it is frozen: {release.frozen}",
        next_step="look at what runs; to undo it all the same: "
        f"`keelway rollback {target} --force --reason ...`",
    )
    return _with_details(failed, error)


def lost_error(target: str, release: Release, failed: Sequence[Failed]) -> StageError:
    """Return the error for a release that serves, where something is left to do."""
    told = "; ".join(f"{one.host}: {one.error.message}" for one in failed)
    return StageError(
        f"{release.version} serves on all hosts, but not everything was tidied up",
        stage=STAGE,
        why=told,
        next_step=f"`keelway rollback {target}` or the next deployment finishes that first",
    )


def _words(error: BaseException) -> str:
    if isinstance(error, KeelwayError):
        return error.message
    return str(error) or type(error).__name__


def _next_step(error: BaseException) -> str | None:
    return error.next_step if isinstance(error, KeelwayError) else None


def _with_details(failed: ErrorT, error: BaseException) -> ErrorT:
    """Return the error with what the one below it has to tell: last lines, what a check said."""
    if isinstance(error, KeelwayError):
        for line in (*error.details(), *getattr(error, "__notes__", ())):
            failed.add_note(line)
    return failed
