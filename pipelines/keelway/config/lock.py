"""`keelway.lock`: base images that `keelway base` made, and others' images, pinned by digest.

Example:
    >>> text = render_lock({"python": Pin(reference="localhost:5000/py@sha256:" + "0" * 64)})
    >>> parse_lock(text)["python"].reference[:17]
    'localhost:5000/py'
"""

import json
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator

from keelway.config.document import read_document
from keelway.config.section import Name, Section
from keelway.tags.reference import parse_reference

LOCK_FILE = "keelway.lock"

_HEADER = "# Written by `keelway base`. Keep it with the sources: builds use these very images.\n"


def _pinned(value: str) -> str:
    if parse_reference(value).digest is None:
        msg = f"{value!r} is not pinned by a digest: run `keelway base` again"
        raise ValueError(msg)
    return value


class Pin(Section):
    """One base image as it was made."""

    reference: Annotated[str, AfterValidator(_pinned)]
    """The image's index, by digest."""
    inputs: str = ""
    """Digest of everything it was made from: the same inputs need not be made again."""


class LockFile(Section):
    """All of `keelway.lock`."""

    base: Mapping[Name, Pin] = {}
    """The base images by name."""
    monitoring: Mapping[Name, Pin] = {}
    """Images of the monitoring by name; `inputs` is what the configuration calls them."""


def parse_lock(text: str, file: str = LOCK_FILE) -> Mapping[str, Pin]:
    """Return the pinned base images by name.

    Raises:
        ConfigError: When the file is damaged; names the line.
    """
    return parse_lock_file(text, file).base


def parse_lock_file(text: str, file: str = LOCK_FILE) -> LockFile:
    """Return everything that is pinned.

    Raises:
        ConfigError: When the file is damaged; names the line.
    """
    return read_document(text, file, LockFile).value


def render_lock(pins: Mapping[str, Pin], monitoring: Mapping[str, Pin] | None = None) -> str:
    """Return the text of the lock file: sorted, the same for the same pins.

    Args:
        pins: The base images.
        monitoring: The images of the monitoring.
    """
    tables = [*_tables("base", pins), *_tables("monitoring", monitoring or {})]
    return _HEADER + "".join(tables)


def _tables(kind: str, pins: Mapping[str, Pin]) -> list[str]:
    return [
        f"\n[{kind}.{json.dumps(name)}]\n"
        f"reference = {json.dumps(pin.reference)}\ninputs = {json.dumps(pin.inputs)}\n"
        for name, pin in sorted(pins.items())
    ]
