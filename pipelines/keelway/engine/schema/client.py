"""The generated client of the installed SDK, found without importing it."""

from __future__ import annotations

from importlib.machinery import PathFinder
from pathlib import Path

from keelway.engine.errors import EngineError

_VERSION = Path("_engine", "_version.py")


def find_client() -> Path:
    """Return the path of the installed SDK's generated client.

    Raises:
        EngineError: there is no SDK beside this program.
    """
    spec = PathFinder.find_spec("dagger")
    for place in (spec.submodule_search_locations or []) if spec else []:
        client = Path(place) / "client" / "gen.py"
        if client.is_file():
            return client
    raise EngineError(
        "the engine serves the API of the installed Dagger SDK, and there is none beside it; "
        "install it with: pip install 'dagger-io>=0.21,<2'"
    )


def version_of(client: Path) -> str:
    """Return the version that this SDK's engine would report, such as `v0.21.11`."""
    source = client.parent.parent / _VERSION
    text = source.read_text() if source.is_file() else ""
    _, _, rest = text.partition('CLI_VERSION = "')
    return f"v{rest.partition(chr(34))[0]}" if rest else "v0.0.0"
