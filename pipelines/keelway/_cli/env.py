"""The environment, read here and nowhere else in the library."""

import os
from collections.abc import Mapping

DEBUG_VARIABLE = "KEELWAY_DEBUG"


def environment() -> Mapping[str, str]:
    """Return the variables of this process as they are now."""
    return dict(os.environ)


def without_plugins() -> None:
    """Keep pydantic from looking for plugins in every package: keelway has no use for any."""
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


def wants_traceback() -> bool:
    """Return whether the user asked to see where errors come from."""
    return os.environ.get(DEBUG_VARIABLE, "0") not in {"", "0"}
