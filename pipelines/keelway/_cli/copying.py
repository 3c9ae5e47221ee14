"""Images copied or restored in front of the user."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from keelway._cli import output
from keelway._cli.env import environment
from keelway._cli.stopping import run_until_stopped
from keelway._cli.verifying import NOTHING_ASKED, find_configuration, verification_spec
from keelway._registries import own_keyring
from keelway.config.naming import repositories_of
from keelway.errors import PlanError
from keelway.facts.ci import find_job
from keelway.recovery.copies import CopyResult, copy_all
from keelway.recovery.spec import CopySpec, copy_everything, copy_to, restore_from

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from keelway.config import Config
    from keelway.verification.verify import VerifySpec

COPIES_SCHEMA = "keelway.copies/1"
_KILO = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Copying:
    """What the command line says of it."""

    image: str | None
    place: str | None
    """The other registry: where to, or where from."""
    everything: bool
    tags: tuple[str, ...]
    restoring: bool


def show_copies(order: Copying, config: Path | None, *, as_json: bool) -> None:
    """Copy images and print what was sent.

    Raises:
        PublishError: Some are not where they were wanted.
        KeelwayError: It could not be begun.
    """
    written, root = find_configuration(config)
    environ = environment()
    refuse_untrusted(environ)
    verify = _verify(written, root, environ)
    specs = plan_copies(order, written)
    keyring = own_keyring(written, root, environ)
    work = partial(copy_all, specs, find_login=keyring.find, verify=verify)
    results = run_until_stopped(work)
    output.result(json.dumps(_data(results), indent=2) if as_json else copies_text(results))
    if verify is None:
        output.notice("not verified: nobody says whose signature counts")


def plan_copies(order: Copying, written: Config | None) -> tuple[CopySpec, ...]:
    """Return what is copied where.

    Raises:
        PlanError: It is not said, or only half of it.
    """
    registries = () if written is None else written.registries
    prefixes = tuple(one.url for one in registries)
    if (order.image is None) is not order.everything:
        raise PlanError("it is not said what is copied", next_step="name one image, or give --all")
    place = order.place or _fallback(order, written)
    if order.image is not None:
        plan = restore_from if order.restoring else copy_to
        return (plan(order.image, place, tags=order.tags, prefixes=prefixes),)
    if written is None or not prefixes:
        raise PlanError("--all needs a configuration with images and a registry")
    ends = (place, prefixes[0]) if order.restoring else (prefixes[0], place)
    return copy_everything(*ends, images=repositories_of(written))


def _fallback(order: Copying, written: Config | None) -> str:
    """Return the other place of the registry that the image is in."""
    for registry in () if written is None else written.registries:
        is_there = order.image is None or order.image.startswith(f"{registry.url.rstrip('/')}/")
        known = registry.fallback or next(iter(registry.mirrors), None)
        if is_there and known is not None:
            return known
    raise PlanError(
        "it is not said where the image is still",
        next_step="give --from REGISTRY, or set the registry's `fallback`",
    )


def refuse_untrusted(environ: Mapping[str, str]) -> None:
    """Let nothing be written where pull requests of forks are built.

    Raises:
        PlanError: This is such a place.
    """
    job = find_job(environ)
    if job is not None and job.untrusted is not None:
        raise PlanError(f"nothing is copied here: {job.untrusted}")


def _verify(written: Config | None, root: Path, environ: Mapping[str, str]) -> VerifySpec | None:
    """Return whom to trust, where anybody says so."""
    try:
        return verification_spec(NOTHING_ASKED, written, root, environ)
    except PlanError:
        return None


def _data(results: Sequence[CopyResult]) -> dict[str, Any]:
    return {
        "schema": COPIES_SCHEMA,
        "images": [{**asdict(one.copied), "verified": one.verified} for one in results],
    }


def copies_text(results: Sequence[CopyResult]) -> str:
    """Return what was copied, for people."""
    return "\n".join(line for one in results for line in _lines(one))


def _lines(one: CopyResult) -> list[str]:
    copied = one.copied
    sent = f"{copied.blobs_sent} sent ({_size(copied.bytes_sent)}), {copied.blobs_mounted} mounted"
    lines = [
        f"{copied.target}@{copied.digest}",
        f"  from      {copied.source}",
        f"  tags      {', '.join(copied.tags) or 'none'}",
        f"  blobs     {copied.blobs}: {sent}, the others were there",
        f"  manifests {copied.manifests}: {copied.manifests_sent} sent",
        f"  evidence  {copied.evidence}",
    ]
    if one.verified is not None:
        said = "verifies, as before" if one.verified else "does not verify, nor did it before"
        lines.append(f"  {said}")
    return lines


def _size(size_bytes: int) -> str:
    if size_bytes < _KILO**2:
        return f"{size_bytes / _KILO:.1f} kB"
    return f"{size_bytes / _KILO**2:.1f} MB"
