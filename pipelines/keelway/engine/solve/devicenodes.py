"""Device nodes that a privileged command made: no layer keeps them.

Other commands can't make them, and images bring none (`engine/devices.py`). Without a device
control group a node in a layer would be the device itself for every later command.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from keelway.engine.devices import is_harmless
from keelway.engine.store.merged import find_in
from keelway.engine.store.whiteout import make_whiteout

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def take_out_devices(lowers: Sequence[Path], upper: Path) -> None:
    """Remove from an unmounted upper all device nodes that are not harmless.

    What `lowers`, bottom first, have at such a place stays replaced: it does not come back.

    Raises:
        OSError: As of unlink(2) and mknod(2).
    """
    layers = [os.fsencode(path) for path in lowers]
    top = os.fsencode(upper)
    for folder, _, names in os.walk(top):
        for name in names:
            path = os.path.join(folder, name)  # noqa: PTH118 - names are bytes
            found = os.lstat(path)
            if is_harmless(found.st_mode, _number(found.st_rdev)):
                continue
            os.unlink(path)  # noqa: PTH108 - likewise
            if find_in(layers, path[len(top) :]) is not None:
                make_whiteout(path)


def _number(device: int) -> tuple[int, int]:
    return os.major(device), os.minor(device)
