"""Builds without an engine: the graph is looked at, nothing is evaluated."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

import pytest

from keelway.engine.errors import EngineError, RegistryError
from keelway.engine.frontends.dockerfile import docker_build
from keelway.engine.frontends.stage import BuildRequest
from keelway.engine.graph.container import Config, Container
from keelway.engine.graph.git import GitSource
from keelway.engine.graph.node import Node
from keelway.engine.graph.sources import GitTree, HostTree, WebFile
from keelway.engine.graph.values import Directory, Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.dockerfile.remotes import GitAddress

CONTEXT = Node.of(HostTree(path="/context"))


@dataclass
class FakeSession:
    """Images by name, and a context whose files are these."""

    files: dict[str, str]
    images: Mapping[str, Config] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    default_platform: str = "linux/amd64"

    def with_image(self, container: Container, address: str) -> Container:
        self.asked.append((address, container.platform))
        if address not in self.images:
            raise RegistryError(f"no image {address} here")
        root = Node.of(HostTree(path=f"/image/{address}/{container.platform}"))
        return replace(container, root=root, config=self.images[address], image_ref=address)

    def read_file(self, directory: Directory, path: str) -> bytes | None:
        del directory
        text = self.files.get(path)
        return None if text is None else text.encode()

    def web_file(self, url: str, name: str, mode: int, secrets: tuple[Secret, ...]) -> Node:
        if url.endswith("/missing"):
            raise EngineError(f"http {url}: invalid response status 404 Not Found")
        self.asked.append((url, ",".join(secret.name for secret in secrets)))
        return Node.of(WebFile(name=name, blob="sha256:0", mode=mode, modified=0))

    def git_tree(
        self, git: GitAddress, *, checksum: str, keep_git_dir: bool, secrets: tuple[Secret, ...]
    ) -> Node:
        del secrets
        source = GitSource(address=git.address)
        self.asked.append((git.ref, git.subdir))
        return Node.of(GitTree(commit=checksum or "0", source=source, discard=not keep_git_dir))

    def is_directory(self, node: Node, path: str) -> bool | None:
        del node
        if path == "/missing":
            return None
        return not path.endswith(".txt")


BASE = Config(
    env=(("PATH", "/bin"), ("FROM_BASE", "yes")),
    cmd=("base-cmd",),
    entrypoint=("base-entry",),
    labels=(("kind", "base"),),
)
IMAGES = {
    "base": BASE,
    "other:2": Config(),
    "trigger": Config(on_build=("RUN echo $WHO", "COPY --from=later /x /y")),
    "bad-trigger": Config(on_build=("NOPE x",)),
}


class Builds(Protocol):
    """Builds a Dockerfile on the fake session."""

    def __call__(
        self,
        text: str,
        *,
        files: Mapping[str, str] | None = None,
        target: str = "",
        args: Mapping[str, str] | None = None,
        platform: str = "",
        secrets: tuple[Secret, ...] = (),
    ) -> Container: ...


@pytest.fixture
def session() -> FakeSession:
    return FakeSession(files={}, images=IMAGES)


@pytest.fixture
def build(session: FakeSession) -> Builds:
    def built(
        text: str,
        *,
        files: Mapping[str, str] | None = None,
        target: str = "",
        args: Mapping[str, str] | None = None,
        platform: str = "",
        secrets: tuple[Secret, ...] = (),
    ) -> Container:
        session.files.update({"Dockerfile": text, **(files or {})})
        request = BuildRequest(
            context=Directory(node=CONTEXT),
            target=target,
            build_args=tuple((args or {}).items()),
            platform=platform,
            secrets=secrets,
        )
        return docker_build(request, session)

    return built
