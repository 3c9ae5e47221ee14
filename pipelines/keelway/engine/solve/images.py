"""Images made of what was built: a tarball, or a registry's copy."""

from __future__ import annotations

import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from keelway.engine.solve import history
from keelway.engine.store.layout import OutImage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.engine.graph.images import Tarball
    from keelway.engine.solve.machine import Machine
    from keelway.engine.solve.result import Snapshot
    from keelway.engine.solve.step import Step
    from keelway.engine.solve.views import Views
    from keelway.engine.store.descriptor import LayerBlob

_COMPRESSION = {
    None: "default",
    "Gzip": "gzip",
    "EStarGZ": "gzip",
    "Zstd": "zstd",
    "Uncompressed": "uncompressed",
}
_PACKED_AT_ONCE = 4


def out_images(
    op: Tarball, snapshots: Sequence[Snapshot], machine: Machine, views: Views
) -> list[OutImage]:
    """Return the images of an operation with their layers as blobs, packed side by side.

    Layers that came with a base image stay the blobs that they were.
    """
    compression = _COMPRESSION[op.compression]
    snapshots = [_settled(snapshot, machine) for snapshot in snapshots]
    names = [layer for snapshot in snapshots for layer in snapshot]

    def pack(layer: str) -> LayerBlob:
        return machine.store.layers.to_blob(
            views.whole(layer), compression=compression, epoch=op.epoch
        )

    with ThreadPoolExecutor(_PACKED_AT_ONCE, thread_name_prefix="pack") as threads:
        packed = dict(zip(names, threads.map(pack, names), strict=True))
    configs = [json.loads(image.config) for image in op.images]
    for config, snapshot in zip(configs, snapshots, strict=True):
        config["history"] = history.entries(machine.store, config, snapshot)
    return [
        OutImage(
            platform=image.platform,
            config=config,
            layers=[packed[layer] for layer in snapshot],
            annotations=dict(image.annotations),
        )
        for image, config, snapshot in zip(op.images, configs, snapshots, strict=True)
    ]


def _settled(snapshot: Snapshot, machine: Machine) -> Snapshot:
    """Return a snapshot with each folder of the host as one layer.

    In how many pieces the store has it depends on what it was before, which no image must show.
    """
    found: list[str] = []
    for is_host, layers in itertools.groupby(snapshot, lambda layer: layer.startswith("h")):
        run = list(layers)
        if is_host and len(run) > 1:
            run = [machine.store.layers.squash(run, below=found)]
        found.extend(run)
    return tuple(found)


def tarball(step: Step, op: Tarball) -> Snapshot:
    """Return a tree with just `container.tar`."""
    images = out_images(op, step.inputs, step.machine, step.views)
    work = step.machine.store.new_work("tarball")
    path = work / "container.tar"
    step.machine.store.images.write_tar(
        images, path, docker=op.media_types == "DockerMediaTypes", epoch=op.epoch
    )
    path.chmod(0o600)
    return (step.machine.store.layers.commit(work),)
