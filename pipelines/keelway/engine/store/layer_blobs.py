"""What a store knows of layers as blobs: which blob a layer came from, or was made of it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.store.descriptor import LayerBlob

if TYPE_CHECKING:
    from collections.abc import Collection

    from keelway.engine.store.blobs import Blobs
    from keelway.engine.store.database import Database

SOURCE = "source"
"""The form of a layer that it came in from a registry or a tarball."""
ARCHIVE = "archive"
"""The form of a layer that another store can have: all that this one knows of it."""
_KIND = "blob"


class LayerBlobs:
    """The blobs of a store's layers, by the layer's id and the blob's form."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        """Keep them in the database; whether one is still there the blobs tell."""
        self._database = database
        self._blobs = blobs

    def find(self, layer: str, form: str) -> LayerBlob | None:
        """Return a blob of a layer, if it is still there.

        Raises:
            EngineError: The blob that it came from is lost.
        """
        blob = self._known(layer, form)
        if blob is None or self._blobs.has(blob.digest):
            return blob
        if form == SOURCE:
            self.lose([blob.digest])
            raise EngineError(
                f"the store lost the blob {blob.digest} of an image's layer: "
                "it is pulled again by the next session, so try again"
            )
        return None

    def origin(self, layer: str) -> LayerBlob | None:
        """Return the blob that a layer can be made of again, if there is one."""
        blob = self._known(layer, SOURCE if layer.startswith("b") else ARCHIVE)
        return blob if blob is not None and self._blobs.has(blob.digest) else None

    def keep(self, layer: str, form: str, blob: LayerBlob) -> None:
        """Remember a blob of a layer."""
        self._database.remember(_KIND, f"{layer} {form}", json.dumps(asdict(blob)))

    def share_source(self, layer: str, made: str) -> None:
        """Let a layer that was made of another one come from the same blob, if that came from one.

        Args:
            layer: The one that is there.
            made: The new one, which is the same in an image.
        """
        text = self._database.memo(_KIND, f"{layer} {SOURCE}")
        if text is not None:
            self._database.remember(_KIND, f"{made} {SOURCE}", text)

    def lose(self, digests: Collection[str]) -> None:
        """Forget what is known by layers that came from blobs which are lost: it is made anew."""
        with self._database.writing() as connection:
            blobs = connection.execute("SELECT key, value FROM memo WHERE kind = 'blob'")
            layers = {
                key.partition(" ")[0]
                for key, value in blobs
                if json.loads(value)["digest"] in digests
            }
            gone = [
                (key,)
                for key, needs in connection.execute("SELECT key, layers FROM results")
                if layers & set(needs.split())
            ]
            connection.executemany("DELETE FROM results WHERE key = ?", gone)

    def _known(self, layer: str, form: str) -> LayerBlob | None:
        text = self._database.memo(_KIND, f"{layer} {form}")
        return None if text is None else LayerBlob(**json.loads(text))
