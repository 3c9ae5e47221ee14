"""A service's environment and labels, with the files that they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.compose.build_section import texts_of
from keelway.compose.dotenv import DotenvError, parse_dotenv
from keelway.compose.tree import Map
from keelway.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from keelway.compose.files import Files
    from keelway.compose.value import Value

_RAW = "raw"


def read_environment(service: Value, files: Files) -> dict[str, str]:
    """Return the service's variables: `env_file` below `environment`, later files over earlier.

    Args:
        service: The service; a variable without a value that is set nowhere is left out.
        files: Reads the files.
    """
    own = service.get("environment").filled_pairs()
    project = service.near.origin.environment
    found: dict[str, str] = {}
    for item in service.get("env_file").items():
        named = item.get("path") if isinstance(item.node, Map) else item
        path = named.absolute_path()
        if path is None:
            item.error("the key 'path' is required, and it is missing")
        elif path.is_file() or item.get("required").flag() is not False:
            outside = {**found, **own, **project}
            is_raw = item.get("format").text() == _RAW
            found |= _variables(item, path, None if is_raw else outside, files)
    return {**found, **own}


def read_labels(service: Value, files: Files) -> dict[str, str]:
    """Return the service's labels: `label_file` below `labels`."""
    found: dict[str, str] = {}
    for item in service.get("label_file").items():
        path = item.absolute_path()
        if path is not None:
            found |= _variables(item, path, found, files)
    return {**found, **texts_of(service.get("labels"))}


def _variables(
    item: Value, path: Path, outside: Mapping[str, str] | None, files: Files
) -> dict[str, str]:
    """Return a file's variables.

    Args:
        item: Where the file is named.
        path: The file.
        outside: What is set already; nothing: the file's lines are taken as they are.
        files: Reads the file.
    """
    shown = files.shown(path)
    if not path.is_file():
        item.error_if_enabled(f"the file {shown} is not there")
        return {}
    try:
        text = files.text(path)
        return _raw(text) if outside is None else parse_dotenv(text, outside)
    except DotenvError as error:
        item.error_if_enabled(f"{shown}:{error.line}: {error}")
    except ConfigError as error:
        item.error_if_enabled(str(error))
    return {}


def _raw(text: str) -> dict[str, str]:
    lines = (line for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return {name: value for name, equals, value in (one.partition("=") for one in lines) if equals}
