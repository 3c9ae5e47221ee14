"""The history of an image: how each layer was made, and what its configuration says.

Scanners read a Dockerfile back from it, as `docker history` shows it, so entries are written as
instructions (image-spec, "OCI Image Configuration", `history`).
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import shlex
from typing import TYPE_CHECKING, Any

from keelway.engine.graph import copies, ops, sources
from keelway.engine.solve import describe

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from keelway.engine.graph.ops import Op
    from keelway.engine.solve.result import Snapshot
    from keelway.engine.store.store import Store


def remember(store: Store, op: Op, before: Sequence[Snapshot], after: Sequence[Snapshot]) -> None:
    """Note what made the layers that an operation has added; all layers have just one maker."""
    old = {layer for snapshot in before for layer in snapshot}
    for layer in {layer for snapshot in after for layer in snapshot} - old:
        if layer.startswith("l"):
            text = instruction(op)
            store.cache.put(_key(layer), text.encode(), description="", layers=(layer,), blobs=())


def instruction(op: Op) -> str:  # noqa: PLR0911 - one line an operation
    """Return an operation as a Dockerfile would say it.

    Only what counts for the cache is in it: otherwise a cached layer would have the text of
    whoever made it first, and the same image another digest in another store.
    """
    match op:
        case ops.Exec(args=("/bin/sh", "-c", text)):
            return f"RUN {text}"
        case ops.Exec():
            return f"RUN {shlex.join(op.args)}"
        case copies.DockerCopy():
            return op.text or f"COPY {' '.join(op.sources)} {op.dest}"
        case ops.CopyTree():
            return f"COPY . {op.dest}"
        case ops.CopyFile():
            return f"COPY {posixpath.basename(op.source)} {op.dest}"
        case ops.NewFile() | ops.NewDirectory() | ops.Symlink():
            return f"COPY {op.path} {op.path}"
        case sources.GitTree():
            return f"ADD {op.commit} /"
        case _:
            return describe.name_of(op)


def entries(store: Store, config: Mapping[str, Any], snapshot: Snapshot) -> list[dict[str, object]]:
    """Return the history of an image: its base's, one entry a layer, then the settings.

    `config` is the whole configuration so far; its own `history` is the base image's.
    """
    base: list[dict[str, object]] = list(config.get("history") or ())
    full = sum(1 for entry in base if not entry.get("empty_layer"))
    if full > len(snapshot) or not all(layer.startswith(("b", "i")) for layer in snapshot[:full]):
        base, full = [], 0  # the root is another one: its layers are not that image's
    made: list[dict[str, object]] = [
        {"created_by": _maker(store, layer)} for layer in snapshot[full:]
    ]
    settings: list[dict[str, object]] = [
        {"created_by": text, "empty_layer": True} for text in _settings(config.get("config") or {})
    ]
    return [*base, *made, *settings]


def _maker(store: Store, layer: str) -> str:
    found = store.cache.get(_key(layer))
    return "keelway" if found is None else found.decode()


def _key(layer: str) -> bytes:
    return hashlib.sha256(f"made by\0{layer}".encode()).digest()


def _settings(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield the instructions that set what a container starts with."""
    for port in sorted(config.get("ExposedPorts") or ()):
        yield f"EXPOSE {port}"
    for name, key in (("WORKDIR", "WorkingDir"), ("USER", "User"), ("STOPSIGNAL", "StopSignal")):
        if config.get(key):
            yield f"{name} {config[key]}"
    check: Mapping[str, Any] = config.get("Healthcheck") or {}
    test: list[str] = check.get("Test") or []
    if test:
        kind, *words = test
        command = f"CMD {words[0]}" if kind == "CMD-SHELL" else f"CMD {json.dumps(words)}"
        yield f"HEALTHCHECK {'NONE' if kind == 'NONE' else command}"
    for name, key in (("ENTRYPOINT", "Entrypoint"), ("CMD", "Cmd")):
        if config.get(key):
            yield f"{name} {json.dumps(config[key])}"
