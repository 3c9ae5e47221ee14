"""`Directory.dockerBuild`: the Dockerfile front end at work for a session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.schema.build_sources import GitAccess, git_tree, web_file
from keelway.engine.schema.registry import Resolvers
from keelway.engine.schema.resolve_image import on_image

if TYPE_CHECKING:
    from keelway.dockerfile.remotes import GitAddress
    from keelway.engine.graph.container import Container
    from keelway.engine.graph.node import Node
    from keelway.engine.graph.values import Directory, Secret
    from keelway.engine.schema.registry import Arguments
    from keelway.engine.schema.session import Session

BUILD = Resolvers()


@BUILD.field("Directory", "dockerBuild")
def build(parent: Directory, args: Arguments, session: Session) -> Container:
    """Build a Dockerfile with the directory as its context."""
    from keelway.engine.frontends.dockerfile import (  # noqa: PLC0415 - large, and not every
        docker_build,  # session builds a Dockerfile
    )
    from keelway.engine.frontends.stage import BuildRequest  # noqa: PLC0415 - likewise

    request = BuildRequest(
        context=parent,
        dockerfile=args.get("dockerfile", "Dockerfile"),
        target=args.get("target", ""),
        build_args=tuple((arg["name"], arg["value"]) for arg in args.get("buildArgs") or ()),
        platform=args.get("platform") or "",
        secrets=tuple(session.secret(id_) for id_ in args.get("secrets") or ()),
        ssh=None if args.get("ssh") is None else session.socket(args["ssh"]),
        init=not args.get("noInit", False),
    )
    agent = "" if request.ssh is None else request.ssh.path
    return docker_build(request, _Surroundings(session=session, agent=agent))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Surroundings:
    """What a build asks of its session."""

    session: Session
    agent: str
    """Path of the ssh agent's socket that was given; empty for none."""

    @property
    def default_platform(self) -> str:
        """Return the platform of this machine."""
        return self.session.default_platform

    def with_image(self, container: Container, address: str) -> Container:
        """Return an empty container on an image of its platform."""
        return on_image(container, self.session.image(address, container.platform))

    def read_file(self, directory: Directory, path: str) -> bytes | None:
        """Return a file of a directory; None when there is none."""
        inner = f"{directory.path.rstrip('/')}/{path}"
        if not self.session.trees.exists(directory.node, inner, kind=None, follow=True):
            return None
        return self.session.trees.read(directory.node, inner)

    def web_file(self, url: str, name: str, mode: int, secrets: tuple[Secret, ...]) -> Node:
        """Return a tree with just the file of a URL; a secret may be meant for its server."""
        return web_file(self.session, url, name, mode, secrets)

    def git_tree(
        self, git: GitAddress, *, checksum: str, keep_git_dir: bool, secrets: tuple[Secret, ...]
    ) -> Node:
        """Return the files of a repository, at a commit that begins with the checksum."""
        return git_tree(
            self.session,
            git,
            checksum=checksum,
            keep_git_dir=keep_git_dir,
            access=GitAccess(secrets=secrets, agent=self.agent),
        )

    def is_directory(self, node: Node, path: str) -> bool | None:
        """Say whether a path of a tree is a directory; None when there is nothing."""
        try:
            found = self.session.trees.stat(node, path, follow=True)
        except EngineError:
            if self.session.trees.exists(node, "/", kind=None, follow=True):
                return None
            raise
        return found.file_type == "DIRECTORY"
