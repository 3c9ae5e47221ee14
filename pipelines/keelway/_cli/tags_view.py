"""The tags of a release as data, and as text made from the same data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keelway._cli import output
from keelway._cli.env import environment
from keelway.config import load_config
from keelway.facts import gather_facts
from keelway.facts.release import release_floating, release_names, release_occasion
from keelway.tags.moving import hold_back

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from keelway.config import Config
    from keelway.facts import Facts
    from keelway.tags.occasion import Occasion

TAGS_SCHEMA = "keelway.tags/1"


def show_tags(file: Path | None, *, as_json: bool) -> None:
    """Print the tags of this commit.

    Args:
        file: What `--config` named, if anything.
        as_json: Whether the data is printed.

    Raises:
        ConfigError: When the configuration is wrong.
        PlanError: When the environment contradicts itself or git.
    """
    loaded = load_config(Path.cwd(), file)
    facts = gather_facts(loaded, environment(), (), compose=False)
    data = tags_data(loaded.config, facts)
    output.result(json.dumps(data, indent=2, ensure_ascii=False) if as_json else tags_text(data))


def tags_data(config: Config, facts: Facts) -> dict[str, Any]:
    """Return the tags as plain data: what `keelway tags --json` prints."""
    names = release_names(config, facts)
    floating = release_floating(config, facts, names)
    held = {one.tag: one.reason for one in hold_back(floating, ())}
    moving = {one.tag for one in floating}
    return {
        "schema": TAGS_SCHEMA,
        "version": names.version,
        "tags": [
            {
                "tag": named.tag,
                "rule": named.rule,
                "notes": list(named.notes),
                "moves_forward_only": named.tag in moving,
                "held_back": held.get(named.tag),
            }
            for named in names.named
        ],
        "unused": [{"rule": unused.rule, "reason": unused.reason} for unused in names.unused],
        "release": _release(release_occasion(config.tags, facts), facts),
        "notes": list(facts.notes),
        "never_published": facts.untrusted,
    }


def tags_text(data: Mapping[str, Any]) -> str:
    """Return the tags for people."""
    return "\n".join(_lines(data))


def _release(occasion: Occasion, facts: Facts) -> dict[str, Any]:
    job = facts.job
    return {
        "event": occasion.event,
        "ref": None if occasion.ref is None else occasion.ref.full,
        "sha": occasion.sha,
        "dirty": occasion.dirty,
        "default_branch": occasion.default_branch,
        "epoch": occasion.epoch,
        "ci": None if job is None else job.title,
        "run": None if job is None else job.run_url,
    }


def _lines(data: Mapping[str, Any]) -> Iterator[str]:
    release = data["release"]
    where = release["ci"] or "this machine"
    yield f"{release['ref'] or 'no branch or tag'} at {release['sha'] or 'no commit'}, on {where}"
    for note in (*data["notes"], *([data["never_published"]] if data["never_published"] else ())):
        yield f"note: {note}"
    yield ""
    width = max((len(tag["tag"]) for tag in data["tags"]), default=0)
    for tag in data["tags"]:
        yield f"{tag['tag']:<{width}}  {tag['rule']}"
        moves = "moves only where the registry has nothing newer"
        held = f"not published: {tag['held_back']}" if tag["held_back"] else ""
        notes = [*tag["notes"], held or (moves if tag["moves_forward_only"] else "")]
        yield from (f"{'':<{width}}  {note}" for note in notes if note)
    if not data["tags"]:
        yield "no rule gives a tag"
    if data["unused"]:
        yield from ("", "no tag by")
        yield from (f"  {unused['rule']}: {unused['reason']}" for unused in data["unused"])
