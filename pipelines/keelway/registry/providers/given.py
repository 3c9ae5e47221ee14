"""What a provider's login is made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the configuration and the environment say of one registry's login."""

    host: str
    """`host[:port]`."""
    password: str | None = field(default=None, repr=False)
    variables: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Those that this provider may read and that are set."""
