"""Which images the configuration, or the lock file beside it, describes differently now."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from keelway.config.document import read_document
from keelway.config.loader import PROJECT_FILE, PROJECT_TABLE
from keelway.config.lock import LOCK_FILE, Pin, parse_lock
from keelway.config.root import Config
from keelway.errors import ConfigError
from keelway.model.changes import Cause

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pydantic import BaseModel

    from keelway.config.loader import Loaded
    from keelway.facts.difference import Difference


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """What the configuration says otherwise now."""

    causes: Mapping[str, tuple[Cause, ...]] = field(default_factory=dict[str, tuple[Cause, ...]])
    """By image."""
    removed: tuple[str, ...] = ()
    """Images that it had then."""


def configured_anew(loaded: Loaded, found: Difference) -> Configured:
    """Return the images of which the configuration or the lock file says something else now.

    Compared is what is meant, key by key: comments, the order, and defaults that are written out
    count for nothing, nor do the tables of other images.

    Args:
        loaded: The configuration with the place it came from.
        found: What differs.
    """
    pinned = _pinned_anew(loaded, found)
    name = found.inside(str(loaded.file.resolve()))
    if name is None or name not in found.paths:
        return Configured(causes=pinned)
    text = found.text_then(name)
    then = _config_then(loaded.file.name, text)
    if then is None:
        word = "was not there" if text is None else "cannot be read"
        reason = f"{loaded.file.name} of {found.short_base} {word}"
        every = (Cause(kind="unknown", name=reason),)
        return Configured(causes=dict.fromkeys(loaded.config.images, every))
    keys = _keys(loaded, then)
    return Configured(
        causes={
            image: (*keys.get(image, ()), *pinned.get(image, ())) for image in {**keys, **pinned}
        },
        removed=tuple(image for image in then.images if image not in loaded.config.images),
    )


def _keys(loaded: Loaded, then: Config) -> dict[str, tuple[Cause, ...]]:
    config = loaded.config
    project = [*_differing("project", then.project, config.project)]
    reports = {then.report.directory, config.report.directory}
    causes: dict[str, tuple[Cause, ...]] = {}
    for name, image in config.images.items():
        before = then.images.get(name)
        keys = [f"images.{name}"]
        if before is not None:
            keys = [] if before == image else [*_differing(f"images.{name}", before, image)]
        context = loaded.root / image.context
        if len(reports) > 1 and any(_is_inside(loaded.root / one, context) for one in reports):
            keys.append("report.directory")
        keys += project
        if keys:
            causes[name] = tuple(Cause(kind="key", name=key) for key in keys)
    return causes


def _is_inside(path: Path, folder: Path) -> bool:
    """Return whether a folder of reports is left out of a context."""
    return path.resolve().is_relative_to(folder.resolve())


def _differing(path: str, then: BaseModel, now: BaseModel) -> Iterator[str]:
    """Yield the keys that have another value, each with its path."""
    before, after = then.model_dump(), now.model_dump()
    for key in after:
        if before[key] == after[key]:
            continue
        if isinstance(before[key], dict) and isinstance(after[key], dict):
            old, new = cast("dict[str, object]", before[key]), cast("dict[str, object]", after[key])
            for name in sorted({*old, *new}):
                if old.get(name) != new.get(name):
                    yield f"{path}.{key}.{name}"
        else:
            yield f"{path}.{key}"


def _config_then(file: str, text: str | None) -> Config | None:
    prefix = PROJECT_TABLE if file == PROJECT_FILE else ()
    try:
        return None if text is None else read_document(text, "", Config, prefix).value
    except (ConfigError, KeyError, TypeError):
        return None


def _pinned_anew(loaded: Loaded, found: Difference) -> dict[str, tuple[Cause, ...]]:
    lock = found.inside(str((loaded.root / LOCK_FILE).resolve()))
    if lock is None or lock not in found.paths:
        return {}
    try:
        then = dict(parse_lock(found.text_then(lock) or ""))
    except ConfigError:
        then = dict[str, Pin]()
    before = {name: pin.reference for name, pin in then.items()}
    anew = {name for name, pin in loaded.pins.items() if before.get(name) != pin.reference}
    return {
        name: tuple(Cause(kind="base", name=base) for base in used)
        for name, image in loaded.config.images.items()
        if (used := sorted(anew & set(image.bases.values())))
    }
