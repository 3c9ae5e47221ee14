"""Trivy's database of vulnerabilities: where it comes from, and how old it is."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import anyio.to_thread

from keelway._tools.trivy import DATABASE_HOSTS
from keelway.diagnosis.check import Check
from keelway.registry.answering import first_that_answers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.config import Config

_DAY_S = 86_400


async def check_database(
    config: Config | None, root: Path, environ: Mapping[str, str], now_s: float
) -> Check:
    """Return how the database stands.

    Args:
        config: The configuration, if there is one.
        root: Its folder.
        environ: The environment.
        now_s: The time, in seconds since 1970.
    """
    where = "download" if config is None else config.scan.database
    most_days = 7 if config is None else config.gate.max_database_age_days
    purpose = "scan: vuln"
    if where == "none":
        text = 'scan.database is "none": vulnerabilities are not looked for'
        remedy = 'set scan.database = "download" where its registry can be reached'
        return Check(
            group="tools", name="trivy db", ok=False, text=text, purpose=purpose, remedy=remedy
        )
    if where == "download":
        return await _downloaded(config, environ, now_s)
    folder = root / where
    age = _age_days(folder, now_s)
    ok = age is not None and (most_days is None or age <= most_days)
    text = f"none in {folder}" if age is None else f"{age:.0f} days old, in {folder}"
    limit = "" if most_days is None else f" (at most {most_days})"
    return Check(
        group="tools",
        name="trivy db",
        ok=ok,
        text=text + limit,
        purpose=purpose,
        needed=True,
        remedy="" if ok else f"trivy image --download-db-only --cache-dir {folder}",
    )


async def _downloaded(config: Config | None, environ: Mapping[str, str], now_s: float) -> Check:
    """Return whether a registry that has the database answers."""
    mirrors = () if config is None else config.scan.database_mirrors
    hosts = [mirror.partition("/")[0] for mirror in mirrors] or [*DATABASE_HOSTS]
    host = await anyio.to_thread.run_sync(first_that_answers, hosts)
    folder = _cache(environ)
    age = _age_days(folder, now_s)
    kept = "" if age is None else f"; the one in {folder} is {age:.0f} days old"
    if host is None:
        text = f"to be downloaded, and no registry that has it answers ({', '.join(hosts)})"
    else:
        text = f"downloaded by each scan, from {host}"
    return Check(
        group="tools",
        name="trivy db",
        ok=host is not None,
        text=text + kept,
        purpose="scan: vuln",
        needed=config is not None and config.scan.enabled and "vuln" in config.scan.scanners,
        remedy=""
        if host
        else "name a mirror under scan.database_mirrors, or a directory that "
        "`trivy image --download-db-only --cache-dir DIR` made elsewhere as scan.database",
    )


def _cache(environ: Mapping[str, str]) -> Path:
    """Return Trivy's own cache directory."""
    home = environ.get("XDG_CACHE_HOME") or f"{environ.get('HOME', '')}/.cache"
    return Path(environ.get("TRIVY_CACHE_DIR") or f"{home}/trivy")


def _age_days(folder: Path, now_s: float) -> float | None:
    """Return the age of a database; nothing where there is none that tells it."""
    try:
        said = json.loads((folder / "db" / "metadata.json").read_text(encoding="utf-8"))
        updated = str(cast("dict[str, Any]", said)["UpdatedAt"])
        # It has nanoseconds, which Python's own reader does not take.
        made = datetime.fromisoformat(f"{updated[:19]}+00:00")
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return (now_s - made.timestamp()) / _DAY_S
