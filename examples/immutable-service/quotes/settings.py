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
    prices: str = "ws://prices:8081/"
    """Where prices come from."""
    journal: Path = Path("/data/quotes.db")
    """On a volume: it outlives every container."""
    kept: int = 50_000
    """So many quotes the journal keeps."""
    stale_after_s: float = 1.0
    """Without a price for so long, the service is not ready."""
    colour: str = ""
    """Which of two deployments this is, where there are two."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Return the settings of QUOTES_* variables, and the colour that keelway gives."""
        return cls(
            host=environment.get("QUOTES_HOST", cls.host),
            port=int(environment.get("QUOTES_PORT", cls.port)),
            prices=environment.get("QUOTES_PRICES_URL", cls.prices),
            journal=Path(environment.get("QUOTES_JOURNAL", cls.journal)),
            kept=int(environment.get("QUOTES_KEPT", cls.kept)),
            stale_after_s=float(environment.get("QUOTES_STALE_AFTER_S", cls.stale_after_s)),
            colour=environment.get("DEPLOYMENT_COLOR", cls.colour),
        )
