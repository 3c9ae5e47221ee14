"""The settings, which are environment variables; the password is a file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where the database is, and what this process listens at."""

    database: str
    password: str | None = None
    host: str = "0.0.0.0"
    port: int = 8080
    pool_size: int = 4

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Return what the environment says.

        Raises:
            SystemExit: A value is none that can be used; the message names the variable.
        """
        file = environ.get("PORTAL_DATABASE_PASSWORD_FILE")
        return cls(
            database=environ.get("PORTAL_DATABASE_URL", "postgresql://portal@127.0.0.1/portal"),
            password=None if file is None else Path(file).read_text().strip(),
            port=_number(environ, "PORTAL_PORT", cls.port),
            pool_size=_number(environ, "PORTAL_POOL_SIZE", cls.pool_size),
        )


def _number(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name, str(default))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65_535:
        raise SystemExit(f"{name}: a whole number from 1 to 65535 is required, not {text!r}")
    return int(text)
