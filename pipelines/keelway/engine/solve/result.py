"""What evaluating a node gives, and its form in the cache."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

Snapshot = tuple[str, ...]
"""Layers, oldest first. A layer is an id of the store, or `id/sub/path` for a part of one."""


def layer_id(layer: str) -> str:
    """Return the store's id of a layer that may name only a part."""
    return layer.partition("/")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """What a command wrote: small output inline, large output as a blob of the store."""

    inline: bytes = b""
    blob: str = ""
    """Digest; empty when the output is inline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The outcome of one node; `key` is the identity that its dependents build theirs on."""

    key: str
    snapshots: tuple[Snapshot, ...]
    exit_code: int = 0
    stdout: Stream = Stream()
    stderr: Stream = Stream()
    combined: Stream = Stream()

    @property
    def snapshot(self) -> Snapshot:
        """Return the first output: the tree itself, for all but execs the only one."""
        return self.snapshots[0]

    def layers(self) -> Iterable[str]:
        """Return the store's ids of all layers that this result needs."""
        return {layer_id(layer) for snapshot in self.snapshots for layer in snapshot}

    def blobs(self) -> list[str]:
        """Return the digests of all blobs that this result needs."""
        streams = (self.stdout, self.stderr, self.combined)
        return [stream.blob for stream in streams if stream.blob]


def to_bytes(result: Result) -> bytes:
    """Return the result as the cache keeps it."""
    streams = {
        name: {"inline": base64.b85encode(stream.inline).decode(), "blob": stream.blob}
        for name, stream in (
            ("stdout", result.stdout),
            ("stderr", result.stderr),
            ("combined", result.combined),
        )
        if stream.inline or stream.blob
    }
    body: dict[str, object] = {"key": result.key, "snapshots": result.snapshots}
    if result.exit_code:
        body["exit_code"] = result.exit_code
    return json.dumps(body | streams, separators=(",", ":")).encode()


def from_bytes(data: bytes) -> Result:
    """Return the result that `to_bytes` wrote."""
    body = json.loads(data)

    def stream(name: str) -> Stream:
        got = body.get(name)
        if got is None:
            return Stream()
        return Stream(inline=base64.b85decode(got["inline"]), blob=got["blob"])

    return Result(
        key=body["key"],
        snapshots=tuple(tuple(snapshot) for snapshot in body["snapshots"]),
        exit_code=body.get("exit_code", 0),
        stdout=stream("stdout"),
        stderr=stream("stderr"),
        combined=stream("combined"),
    )
