"""What an operation is known by: all that changes what it makes, and nothing else."""

from __future__ import annotations

from dataclasses import replace

from keelway.engine.graph import ops
from keelway.engine.graph.images import Tarball
from keelway.engine.graph.node import Node


def test_the_time_that_images_are_dated_counts() -> None:
    op = Tarball(images=(), compression=None, media_types="OCIMediaTypes", epoch=1_000_000_000)
    assert Node.of(op).digest != Node.of(replace(op, epoch=1_100_000_000)).digest


def test_how_the_network_is_reached_does_not_count() -> None:
    op = ops.Exec(args=("true",), env=(), cwd="/", user="", platform="linux/amd64")
    behind = replace(op, proxies=(("HTTP_PROXY", "http://proxy:3128"),))
    assert Node.of(op).digest == Node.of(behind).digest
