"""Fields of `Container` about images: where one comes from, and where it goes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.graph.container import Container
from keelway.engine.graph.image_config import config_json, normalised, with_image
from keelway.engine.graph.images import ImageRoot, Tarball, TarballImage
from keelway.engine.graph.node import Node
from keelway.engine.graph.values import File
from keelway.engine.schema.registry import Resolvers
from keelway.engine.schema.request import inside
from keelway.engine.schema.resolve_container import expanded
from keelway.engine.schema.resolve_file import is_directory
from keelway.engine.store.reference import full_reference

if TYPE_CHECKING:
    from keelway.engine.graph.service import Service
    from keelway.engine.schema.registry import Arguments
    from keelway.engine.schema.session import Session
    from keelway.engine.store.images import Image

IMAGE = Resolvers()


@IMAGE.field("Container", "from")
def from_(parent: Container, args: Arguments, session: Session) -> Container:
    """Start from an image of a registry, merged onto what is there."""
    image = _resolved(args["address"], parent.platform, _registry(args, session), session)
    made = on_image(parent, image)
    if parent != _fresh(parent):
        return made
    return replace(made, image_ref=session.first_name(made.image_ref, made.platform))


def _resolved(address: str, platform: str, registry: Service | None, session: Session) -> Image:
    """Return an image of a registry; what is wrong is told as Dagger does, then in detail."""
    try:
        full = full_reference(address)
    except EngineError as error:
        raise EngineError(f"failed to parse image address {address}: {error}") from error
    try:
        return session.image(address, platform, registry)
    except EngineError as error:
        raise type(error)(
            f'failed to resolve image "{full}" (platform: "{platform}"): {error}'
        ) from error


def _fresh(container: Container) -> Container:
    """Return what the container was before anything was done to it."""
    return Container(platform=container.platform, platform_given=container.platform_given)


def on_image(parent: Container, image: Image) -> Container:
    """Return the container with an image's files and configuration."""
    merged = with_image(parent, image.config, normalised(image.platform))
    root = ImageRoot(layers=tuple(layer.digest for layer in image.layers), source=image.to_json())
    history = json.dumps(image.config.get("history") or [], sort_keys=True)
    return replace(merged, root=Node.of(root), image_ref=image.reference, history=history)


@IMAGE.field("Container", "import")
def import_(parent: Container, args: Arguments, session: Session) -> Container:
    """Start from an image in a tarball."""
    source = session.file(args["source"])
    with session.trees.opened(source.node, source.path) as path:
        image = session.store.images.read_tar(
            path, tag=args.get("tag", ""), platform=parent.platform
        )
    return replace(on_image(parent, image), image_ref="")


def _registry(args: Arguments, session: Session) -> Service | None:
    given = args.get("registryService")
    return None if given is None else session.service(given)


# --- out -------------------------------------------------------------------------------------


def variants(parent: Container, args: Arguments, session: Session) -> list[Container]:
    """Return the containers that an image is made of, sorted by platform.

    The receiver counts unless it is scratch and there are others.

    Raises:
        EngineError: There is nothing to export, or two are for one platform.
    """
    others = [session.container(id_) for id_ in args.get("platformVariants") or ()]
    empty = parent.root is None and not parent.error
    found = others if others and empty else [parent, *others]
    if not others and parent in (
        Container(platform=parent.platform),
        Container(platform=parent.platform, platform_given=True),
    ):
        raise EngineError("no containers to export")
    platforms: set[str] = set()
    for container in found:
        if container.platform in platforms:
            raise EngineError(f'duplicate platform "{container.platform}"')
        platforms.add(container.platform)
    return sorted(found, key=lambda container: container.platform)


def tarball(parent: Container, args: Arguments, session: Session) -> Node:
    """Return the node of `container.tar`."""
    images = variants(parent, args, session)
    op = Tarball(
        images=tuple(
            TarballImage(
                platform=normalised(image.platform),
                config=config_json(image),
                annotations=image.annotations,
            )
            for image in images
        ),
        compression=args.get("forcedCompression"),
        media_types=args.get("mediaTypes", "OCIMediaTypes"),
        epoch=session.solver.machine.epoch,
    )
    return Node.of(op, *(image.tree for image in images))


@IMAGE.field("Container", "asTarball")
def as_tarball(parent: Container, args: Arguments, session: Session) -> File:
    """Return the image as a file."""
    return File(node=tarball(parent, args, session), path="/container.tar")


@IMAGE.field("Container", "export")
def export(parent: Container, args: Arguments, session: Session) -> str:
    """Write the image to the host; returns the absolute path."""
    path = expanded(parent, args["path"], args)
    container = inside()
    if container is not None:
        with session.trees.opened(tarball(parent, args, session), "/container.tar") as source:
            return container.write_file(source, path, name="container.tar", mode=0o600)
    dest = session.host_path(path)
    if dest.is_dir():
        raise is_directory(dest)
    session.trees.export_file(tarball(parent, args, session), "/container.tar", dest, mode=0o600)
    return str(dest)


@IMAGE.field("Container", "publish")
def publish(parent: Container, args: Arguments, session: Session) -> str:
    """Push the image; returns its reference with the digest."""
    node = tarball(parent, args, session)
    return session.publish(node, args["address"], _registry(args, session))


@IMAGE.field("Container", "withRegistryAuth")
def with_registry_auth(parent: Container, args: Arguments, session: Session) -> Container:
    """Log in to a registry for the rest of the session."""
    secret = session.secret(args["secret"])
    session.set_auth(
        args["address"], args["username"], session.secret_value(secret.handle).decode()
    )
    return parent


@IMAGE.field("Container", "withoutRegistryAuth")
def without_registry_auth(parent: Container, args: Arguments, session: Session) -> Container:
    """Forget a login."""
    session.drop_auth(args["address"])
    return parent
