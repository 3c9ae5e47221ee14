"""A file of the web as a tree."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from keelway.engine.solve.copying import copy_contents

if TYPE_CHECKING:
    from keelway.engine.graph.sources import WebFile
    from keelway.engine.solve.result import Snapshot
    from keelway.engine.solve.step import Step


def web_file(step: Step, op: WebFile) -> Snapshot:
    """Return a tree with just the file, of the mode and the time that it was asked for."""
    with step.views.writing(()) as writing:
        target = writing.root / op.name
        copy_contents(step.machine.store.blobs.path(op.blob), target)
        target.chmod(op.mode)
        os.utime(target, (op.modified, op.modified))
    return writing.result
