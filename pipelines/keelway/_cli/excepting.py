"""What `keelway exceptions` does: reads one file, and prints another form of it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from keelway._cli import output
from keelway._cli.exceptions import ExceptionFormat
from keelway._stage import SystemClock
from keelway.config import load_config
from keelway.errors import ConfigError, ConfigProblem, PlanError
from keelway.exceptions.draft import write_toml
from keelway.exceptions.grype_rules import read_grype, speaks_grype, write_grype
from keelway.exceptions.openvex import (
    parse_openvex,
    read_openvex,
    speaks_openvex,
    write_openvex,
)
from keelway.exceptions.trivyignore import read_trivyignore, speaks_trivy, write_trivyignore

if TYPE_CHECKING:
    from keelway.exceptions.draft import Draft
    from keelway.model.exemption import Exemption

_SPEAKS = {
    ExceptionFormat.TRIVYIGNORE: speaks_trivy,
    ExceptionFormat.GRYPE: speaks_grype,
    ExceptionFormat.OPENVEX: speaks_openvex,
}


def list_exceptions(config: Path | None) -> None:
    """Print each exception with its state today.

    Raises:
        ConfigError: The configuration or the exceptions file is wrong.
    """
    granted = load_config(Path.cwd(), config).exemptions
    today = SystemClock().now().date()
    output.result("\n".join(_line(one, today) for one in granted) or "there are no exceptions")


def _line(one: Exemption, today: date) -> str:
    left = (one.expires - today).days
    state = f"{left} days left" if left >= 0 else "ended: what it covered counts again"
    scope = one.scope
    parts = (scope.image, scope.platform, scope.purl, scope.path)
    where = ", ".join(part for part in parts if part is not None) or "everywhere"
    return f"{one.origin}: {one.id} in {where}: {one.reason} ({one.owner}, {one.expires}, {state})"


def export_exceptions(config: Path | None, form: ExceptionFormat | None) -> None:
    """Print the exceptions that hold as another tool's file; the others are named beside it.

    Raises:
        ConfigError: The configuration or the exceptions file is wrong.
        PlanError: No format was given.
    """
    if form is None:
        raise PlanError(
            "`keelway exceptions export` needs --format",
            next_step="give --format trivyignore, grype or openvex",
        )
    loaded = load_config(Path.cwd(), config)
    now = SystemClock().now()
    holding = [one for one in loaded.exemptions if not one.expired(now.date())]
    for one in loaded.exemptions:
        if one not in holding:
            output.notice(f"left out: {one.origin}: it ended on {one.expires}")
        elif not _SPEAKS[form](one):
            output.notice(f"left out: {one.origin}: {form} has no words for it")
    output.result(_written(holding, form, loaded.config.project.name, now).rstrip("\n"))


def _written(holding: list[Exemption], form: ExceptionFormat, project: str, now: datetime) -> str:
    if form is ExceptionFormat.TRIVYIGNORE:
        return write_trivyignore(holding)
    if form is ExceptionFormat.GRYPE:
        return write_grype(holding, today=now.date())
    stamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return write_openvex(holding, author=project, timestamp=stamp)


def import_exceptions(
    file: Path | None, form: ExceptionFormat | None, *, owner: str | None, expires: str | None
) -> None:
    """Print entries for `keelway-exceptions.toml`.

    Raises:
        ConfigError: The file is not what it should be.
        PlanError: There is no such file, or the date is none.
    """
    if file is None:
        raise PlanError(
            "`keelway exceptions import` needs a file",
            next_step="name a .trivyignore.yaml, a .grype.yaml or an OpenVEX document",
        )
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        problem = ConfigProblem(file=str(file), line=None, key="", text=f"cannot be read: {error}")
        raise ConfigError([problem]) from error
    drafts = _read(text, file.name, form or _form_of(text, file.name))
    output.result(write_toml(drafts, owner=owner, expires=_day(expires)).rstrip("\n"))
    if owner is None or (any(one.expires is None for one in drafts) and expires is None):
        output.notice("complete what is commented out, or give --owner and --expires")


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise PlanError(f"--expires {text} is no date", next_step="write YYYY-MM-DD") from error


def _read(text: str, file: str, form: ExceptionFormat) -> tuple[Draft, ...]:
    if form is ExceptionFormat.TRIVYIGNORE:
        return read_trivyignore(text, file)
    if form is ExceptionFormat.GRYPE:
        return read_grype(text, file)
    return read_openvex(parse_openvex(text, file))


def _form_of(text: str, file: str) -> ExceptionFormat:
    """Return whose file it is: by what only that one has."""
    if "openvex.dev/ns" in text:
        return ExceptionFormat.OPENVEX
    if "grype" in file or any(line.startswith("ignore:") for line in text.splitlines()):
        return ExceptionFormat.GRYPE
    return ExceptionFormat.TRIVYIGNORE
