"""From the command line's options to a plan: the same way for every command."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from keelway._cli.env import environment
from keelway.config import load_config
from keelway.config.narrow import narrow
from keelway.facts import gather_facts
from keelway.planning import known_programs, plan_release

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from keelway.config import Config, Loaded
    from keelway.facts import Facts
    from keelway.model.changes import Changes
    from keelway.planning import Part, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What was written, what is true, and what will be done."""

    loaded: Loaded
    facts: Facts
    plan: Plan
    written: Config
    """The whole configuration, also where the plan is for a part of it."""

    @property
    def report_directory(self) -> Path:
        """Return where the report goes."""
        return self.facts.resolve(self.loaded.config.report.directory)


@dataclass(frozen=True, slots=True, kw_only=True)
class Only:
    """What a command is limited to; all where nothing is named."""

    images: Sequence[str] | None = None
    platforms: Sequence[str] | None = None
    suites: Sequence[str] | None = None


def prepare(
    file: Path | None,
    without: Mapping[Part, str] | None = None,
    changed_since: str | None = None,
    only: Only | None = None,
    *,
    rerun: bool = False,
) -> Prepared:
    """Return the plan for the configuration of the current directory.

    Args:
        file: What `--config` named, if anything.
        without: Parts to leave out, each with the reason.
        changed_since: Build only images with inputs that changed since this commit.
        only: The images, platforms and suites that it is for, if not for all.
        rerun: Whether tests run whatever they said before.

    Raises:
        ConfigError: When the configuration is wrong.
        PlanError: When it asks for what cannot be done here.
    """
    loaded = load_config(Path.cwd(), file)
    written = loaded.config
    if only is not None:
        config = narrow(
            loaded.config,
            images=only.images or (),
            platforms=only.platforms or (),
            suites=only.suites or (),
        )
        loaded = replace(loaded, config=config)
    facts = gather_facts(
        loaded,
        environment(),
        known_programs(),
        compose=not {"integration", "load"} <= (without or {}).keys(),
    )
    if changed_since is not None:
        whole = replace(loaded, config=written)
        facts = replace(facts, changes=_changes(whole, loaded.config.images, changed_since))
    plan = plan_release(loaded.config, facts, without=without, rerun=rerun)
    return Prepared(loaded=loaded, facts=facts, plan=plan, written=written)


def _changes(whole: Loaded, images: Collection[str], since: str) -> Changes:
    """Return what changed of some images; others count where these are built on them."""
    from keelway.facts.changed import find_changes  # noqa: PLC0415 - most plans need none of it

    found = find_changes(whole, since, environment())
    return replace(found, images=tuple(one for one in found.images if one.image in images))
