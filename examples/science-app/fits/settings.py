"""What the environment says."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field


class SettingsError(Exception):
    """Something is missing or wrong; the message is for whoever runs the service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All of it. Secrets are in no `repr`."""

    api_key: str = field(repr=False)
    """Whoever sends measurements must know it."""
    store_key: str = field(repr=False)
    """What stored results are sealed with."""
    port: int = 8080
    data: str = "/data"
    """The folder of the results."""
    syslog: str | None = None
    """Where log lines go beside the standard output: HOST:PORT, by TCP."""
    log_level: str = "INFO"
    colour: str = "none"
    """Blue or green, where it is deployed as one of two."""


def settings_from(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read them.

    Raises:
        SettingsError: A secret is missing or too short, or the port is no number.
    """
    secrets = {name: environment.get(f"FITS_{name.upper()}", "") for name in ("api_key", "store_key")}
    for name, value in secrets.items():
        if len(value) < 16:
            raise SettingsError(
                f"FITS_{name.upper()} is missing or shorter than 16 characters:"
                f" the entrypoint reads it from the file of the secret {name.replace('_', '-')}"
            )
    port = environment.get("FITS_PORT", "8080")
    if not port.isdecimal():
        raise SettingsError(f"FITS_PORT is no port: {port}")
    return Settings(
        **secrets,
        port=int(port),
        data=environment.get("FITS_DATA", "/data"),
        syslog=environment.get("FITS_SYSLOG") or None,
        log_level=environment.get("FITS_LOG_LEVEL", "INFO"),
        colour=environment.get("DEPLOYMENT_COLOR") or "none",
    )
