"""Images: what registries and tarballs have, and what this engine writes.

image = store.images.resolve("alpine:3.20", "linux/amd64", {})
store.images.pull(image)
layers = store.layers.from_blobs(image.layers)
"""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, cast

from keelway.engine.errors import EngineError, RegistryError
from keelway.engine.store import archive, layout
from keelway.engine.store.descriptor import (
    OCI_MANIFEST,
    Descriptor,
    sha256,
)
from keelway.engine.store.manifest import Manifest, is_index, parse_index, parse_manifest
from keelway.engine.store.mirrors import first_that_answers
from keelway.engine.store.platforms import choose, platform_of
from keelway.engine.store.reference import (
    Reference,
    full_reference,
    parse_reference,
    registry_host,
)
from keelway.engine.store.skopeo import skopeo, tls_flag, transport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from keelway.engine.store.blobs import Blobs
    from keelway.engine.store.layout import OutImage
    from keelway.engine.store.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One image of one platform."""

    reference: str
    """`name[:tag]@digest`, where the digest is what the name stands for; empty for a tarball's."""
    digest: str
    """Of the manifest for the platform."""
    index_digest: str | None
    platform: str
    config: Mapping[str, object]
    """The whole image configuration."""
    layers: tuple[Descriptor, ...]
    """Oldest first."""
    annotations: Mapping[str, str] = field(default_factory=dict[str, str])

    def to_json(self) -> str:
        """Return the image as text, which `from_json` reads."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @staticmethod
    def from_json(text: str) -> Image:
        """Return the image that `to_json` wrote."""
        body = json.loads(text)
        layers = tuple(Descriptor(**layer) for layer in body.pop("layers"))
        return Image(**body, layers=layers)


class Images:
    """Images in registries and files, by way of the store's blobs."""

    def __init__(
        self,
        blobs: Blobs,
        workspace: Workspace,
        *,
        on_damage: Callable[[Sequence[str]], object] = lambda _: None,
    ) -> None:
        """Keep where blobs go; `on_damage` is told of those that had to be removed."""
        self._on_damage = on_damage
        self._blobs = blobs
        self._workspace = workspace
        self._logins: dict[str, tuple[str, str]] = {}
        self._flights: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def resolve(
        self, ref: str, platform: str, auth: Mapping[str, tuple[str, str]] | None = None
    ) -> Image:
        """Return what a name stands for now. Layers are not brought.

        A name with a digest whose parts are here already needs no registry.

        Raises:
            RegistryError: The registry was not reached, refused, or does not have it.
            EngineError: The name is none, or there is no image for the platform.
        """
        self._remember(auth)
        reference = full_reference(ref)
        raw = self._manifest(reference)
        digest, index_digest = sha256(raw), None
        if is_index(raw, ref):
            index_digest = digest
            digest = choose(parse_index(raw), platform, str(reference)).digest
            raw = self._manifest(replace(reference, digest=digest))
        manifest = parse_manifest(raw, ref)
        config = self._config(replace(reference, digest=digest), manifest)
        return Image(
            reference=str(replace(reference, digest=index_digest or digest)),
            digest=digest,
            index_digest=index_digest,
            platform=platform_of(config),
            config=config,
            layers=manifest.layers,
            annotations=manifest.annotations,
        )

    def pull(self, image: Image, auth: Mapping[str, tuple[str, str]] | None = None) -> None:
        """Bring the layers of an image that are not here, with their digests verified.

        Raises:
            RegistryError: The registry was not reached, refused, or does not have them.
        """
        self._remember(auth)
        with self._lock:
            flight = self._flights.setdefault(image.digest, threading.Lock())
        with flight:
            if not self._missing(image):
                return
            with self._workspace.exclusive("pull", image.digest):  # other sessions want it too
                missing = self._missing(image)
                if missing:
                    self._pull(image, missing)

    def read_tar(self, path: Path, *, tag: str = "", platform: str) -> Image:
        """Take the image for a platform, with its layers, from a tarball.

        Raises:
            EngineError: It is neither an OCI layout nor from `docker save`, or has no such image.
        """
        found = archive.read(path, self._blobs, tag=tag, platform=platform)
        config = found.config
        return Image(
            reference="",
            digest=found.digest,
            index_digest=None,
            platform=platform_of(config),
            config=config,
            layers=found.manifest.layers,
            annotations=found.manifest.annotations,
        )

    def write_layout(
        self,
        images: Sequence[OutImage],
        dest: Path,
        *,
        docker: bool = False,
        tag: str = "",
        epoch: int | None = None,
    ) -> Descriptor:
        """Write images as an OCI layout into a directory; return what its index names.

        Raises:
            EngineError: There are no images, or two of one platform.
        """
        root = layout.assemble(self._blobs, images, docker=docker, epoch=epoch)
        layout.write_directory(self._blobs, root, dest, tag=tag)
        return root

    def write_tar(
        self,
        images: Sequence[OutImage],
        dest: Path,
        *,
        docker: bool = False,
        tag: str = "",
        epoch: int | None = None,
    ) -> Descriptor:
        """Write images as a tar of an OCI layout; one image gets a `manifest.json` as well.

        Raises:
            EngineError: There are no images, or two of one platform.
        """
        root = layout.assemble(self._blobs, images, docker=docker, epoch=epoch)
        layout.write_archive(self._blobs, root, dest, tag=tag)
        return root

    def push(
        self,
        images: Sequence[OutImage],
        address: str,
        auth: Mapping[str, tuple[str, str]] | None = None,
        *,
        docker: bool = False,
        epoch: int | None = None,
    ) -> str:
        """Push images, several as an index, and return `name[:tag]@digest`.

        Without a tag `latest` is pushed, and the answer has none.

        Raises:
            RegistryError: The registry was not reached or refused.
            EngineError: The address is none, there are no images, or two of one platform.
        """
        self._remember(auth)
        target = replace(parse_reference(address), digest="")
        root = layout.assemble(self._blobs, images, docker=docker, epoch=epoch)
        work = self._workspace.new_work("push")
        try:
            layout.write_links(self._blobs, root, work)
            self._copy(
                ["--all", "--preserve-digests"],
                (f"dir:{work}", transport(target)),
                target,
                "dest-",
                f"push {address}",
                work,
            )
        except RegistryError as error:
            damaged = [digest for digest in _layers_of(images) if not self._blobs.verify(digest)]
            if not damaged:
                raise
            self._on_damage(damaged)
            raise EngineError(
                f"can't push {address}: the store's blobs {', '.join(damaged)} were damaged. They "
                "were removed, and are made or pulled anew: try again"
            ) from error
        finally:
            self._workspace.discard(work)
        return str(replace(target, digest=root.digest))

    def _remember(self, auth: Mapping[str, tuple[str, str]] | None) -> None:
        """Use logins from now on; a pull may come long after its image was resolved."""
        for address, login in (auth or {}).items():
            self._logins[registry_host(address)] = login

    def _login(self, reference: Reference) -> dict[str, tuple[str, str]]:
        login = self._logins.get(reference.host)
        return {} if login is None else {reference.host: login}

    def _manifest(self, reference: Reference) -> bytes:
        """Return a manifest or index, from here if it is known by digest."""
        known = self._blobs.find(reference.digest) if reference.digest else None
        if known is not None:
            return known
        raw = self._inspect(["--raw"], reference)
        if reference.digest and sha256(raw) != reference.digest:
            raise EngineError(f"the registry {reference.host} gave other content for {reference}")
        self._blobs.put_bytes(raw, OCI_MANIFEST)
        return raw

    def _config(self, reference: Reference, manifest: Manifest) -> Mapping[str, object]:
        digest = manifest.config.digest
        raw = self._blobs.find(digest)
        if raw is None:
            raw = self._inspect(["--config", "--raw"], reference)
            if sha256(raw) != digest:
                raise EngineError(
                    f"the registry {reference.host} gave another configuration for {reference}"
                )
            self._blobs.put_bytes(raw, manifest.config.media_type)
        return cast("dict[str, object]", json.loads(raw))

    def _inspect(self, options: list[str], reference: Reference) -> bytes:
        def ask(place: Reference) -> bytes:
            return skopeo(
                ["inspect", *options, *tls_flag(place), transport(place)],
                reference=place,
                logins=self._login(place),
                temporary=work,
                doing=f"resolve {replace(place, digest='') if place.tag else place}",
            )

        work = self._workspace.new_work("inspect")
        try:
            return first_that_answers(reference, ask)
        finally:
            self._workspace.discard(work)

    def _missing(self, image: Image) -> list[Descriptor]:
        return [layer for layer in image.layers if not self._blobs.has(layer.digest)]

    def _pull(self, image: Image, missing: Sequence[Descriptor]) -> None:
        if not image.reference:
            raise EngineError(
                f"the store lost the layer {missing[0].digest} of an imported image: "
                "import the tarball again"
            )
        reference = replace(parse_reference(image.reference), digest=image.digest)

        def pull(place: Reference) -> None:
            self._copy(
                [
                    "--dest-shared-blob-dir",
                    str(self._blobs.root),
                    "--dest-oci-accept-uncompressed-layers",
                ],
                (transport(place), f"oci:{work}/layout:image"),
                place,
                "src-",
                f"pull {image.reference}",
                work,
            )

        work = self._workspace.new_work("pull")
        try:
            first_that_answers(reference, pull)
        finally:
            self._workspace.discard(work)
        lost = [layer.digest for layer in missing if not self._blobs.has(layer.digest)]
        if lost:
            raise EngineError(f"{image.reference}: the layers {', '.join(lost)} were not brought")

    def _copy(
        self,
        options: list[str],
        ends: tuple[str, str],
        reference: Reference,
        side: str,
        doing: str,
        work: Path,
    ) -> None:
        skopeo(
            ["copy", "--quiet", "--remove-signatures", *options, *tls_flag(reference, side), *ends],
            reference=reference,
            logins=self._login(reference),
            temporary=work,
            doing=doing,
        )


def _layers_of(images: Sequence[OutImage]) -> list[str]:
    return sorted({layer.digest for image in images for layer in image.layers})
