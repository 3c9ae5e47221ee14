"""Settings, read from the environment once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How this process runs."""

    host: str = "0.0.0.0"
    port: int = 8080
    database: str = "postgresql://orders@localhost:5432/orders"
    """Where PostgreSQL is, without the password."""
    password: str | None = None
    pool_size: int = 5

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Return the settings of ORDERS_* variables.

        The password comes from a file (ORDERS_DATABASE_PASSWORD_FILE), as secrets are mounted, so
        that it is in no process list and no log.
        """
        password_file = environment.get("ORDERS_DATABASE_PASSWORD_FILE")
        return cls(
            host=environment.get("ORDERS_HOST", cls.host),
            port=int(environment.get("ORDERS_PORT", cls.port)),
            database=environment.get("ORDERS_DATABASE_URL", cls.database),
            password=Path(password_file).read_text().strip() if password_file else None,
            pool_size=int(environment.get("ORDERS_POOL_SIZE", cls.pool_size)),
        )
