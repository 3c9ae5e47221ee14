"""One session: what IDs mean, which secrets there are, and the solver behind all of it."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import platform as host_platform
import secrets
import threading
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from keelway.engine.errors import EngineError
from keelway.engine.graph.changes import Changeset
from keelway.engine.graph.container import Container
from keelway.engine.graph.git import GitRef
from keelway.engine.graph.image_config import normalised
from keelway.engine.graph.images import Tarball
from keelway.engine.graph.records import EnvFile, JSONValue
from keelway.engine.graph.service import Service
from keelway.engine.graph.sockets import Socket
from keelway.engine.graph.values import CacheVolume, Directory, File, Secret
from keelway.engine.schema.repositories import Repositories
from keelway.engine.schema.request import own_client
from keelway.engine.schema.volatile import VolatileVariables
from keelway.engine.solve.images import out_images
from keelway.engine.solve.machine import Machine
from keelway.engine.solve.solver import Solver
from keelway.engine.solve.trees import Trees
from keelway.engine.solve.way import way_to
from keelway.engine.store.skopeo import started_by

if TYPE_CHECKING:
    from collections.abc import Generator

    from keelway.engine.graph.node import Node
    from keelway.engine.run.terminal import Terminal
    from keelway.engine.schema.clients import Clients
    from keelway.engine.solve.machine import Isolation, Progress
    from keelway.engine.store.images import Image
    from keelway.engine.store.store import Store

T = TypeVar("T")


class Session:
    """The state that one client's queries share; it ends with the client."""

    def __init__(  # noqa: PLR0913 - the parts that are made for it
        self,
        *,
        store: Store,
        isolation: Isolation,
        progress: Progress,
        clients: Clients,
        terminal: Terminal | None,
        workdir: Path,
        epoch: int | None,
        tunnels: str,
    ) -> None:
        """Start empty.

        Args:
            store: where results are kept.
            isolation: what runs commands and keeps them apart.
            progress: whoever is told of operations.
            clients: who may speak to the session.
            terminal: what the client was started from.
            workdir: the client's working directory, which host paths are relative to.
            epoch: seconds since 1970 that times in images are clamped to, from the client's
                `SOURCE_DATE_EPOCH`.
            tunnels: the address of the host that tunnels listen at.
        """
        self.store = store
        self.workdir = workdir
        self.clients = clients
        self.terminal = terminal
        self.volatile = VolatileVariables()
        self.solver = Solver(
            Machine(
                store=store,
                runtime=isolation.runtime,
                network=isolation.network,
                snapshotter=isolation.snapshotter,
                progress=progress,
                clients=clients,
                secret=self.secret_value,
                volatile=self.volatile.newest,
                auth=lambda: dict(self._auth),
                way=lambda node: way_to(self.solver, node),
                epoch=epoch,
                tunnels=tunnels,
            )
        )
        self.trees = Trees(self.solver)
        self.git = Repositories(self.solver)
        self._ids: dict[str, tuple[str, object]] = {}
        self._secrets: dict[str, bytes | EngineError] = {}
        self._auth: dict[str, tuple[str, str]] = {}
        self._images: dict[tuple[str, str, str], Image] = {}
        self._names: dict[tuple[str, str], str] = {}
        self._image_flights: dict[tuple[str, str, str], threading.Lock] = {}
        self._seen: set[tuple[Node, str]] = set()
        self._lock = threading.Lock()

    # --- IDs ----------------------------------------------------------------------------------

    def id_of(self, type_name: str, value: object) -> str:
        """Return the ID of a value: the same for the same recipe, valid for this session."""
        digest = hashlib.sha256(f"{type_name}\0{value!r}".encode()).hexdigest()
        found = f"{type_name}:{digest[:40]}"
        self._ids[found] = (type_name, value)
        return found

    def node(self, id_: str) -> tuple[str, object]:
        """Return the type's name and the value of an ID.

        Raises:
            EngineError: No value of this session has that ID.
        """
        found = self._ids.get(id_)
        if found is None:
            raise EngineError(f"unknown ID {id_!r}: IDs are valid in the session that gave them")
        return found

    def load(self, id_: str, type_name: str) -> object:
        """Return the value of an ID of this type.

        Raises:
            EngineError: There is no such value, or it is of another type.
        """
        found, value = self.node(id_)
        if found != type_name:
            raise EngineError(f"expected the ID of a {type_name}, got one of a {found}")
        return value

    def _typed(self, id_: str, type_: type[T]) -> T:
        value = self.load(id_, type_.__name__)
        if not isinstance(value, type_):
            raise EngineError(f"expected a {type_.__name__}, got {type(value).__name__}")
        return value

    def container(self, id_: str) -> Container:
        """Return the container of an ID."""
        return self._typed(id_, Container)

    def directory(self, id_: str) -> Directory:
        """Return the directory of an ID."""
        return self._typed(id_, Directory)

    def file(self, id_: str) -> File:
        """Return the file of an ID."""
        return self._typed(id_, File)

    def secret(self, id_: str) -> Secret:
        """Return the secret of an ID."""
        return self._typed(id_, Secret)

    def service(self, id_: str) -> Service:
        """Return the service of an ID."""
        return self._typed(id_, Service)

    def socket(self, id_: str) -> Socket:
        """Return the socket of an ID."""
        return self._typed(id_, Socket)

    def cache_volume(self, id_: str) -> CacheVolume:
        """Return the cache volume of an ID."""
        return self._typed(id_, CacheVolume)

    def changeset(self, id_: str) -> Changeset:
        """Return the changeset of an ID."""
        return self._typed(id_, Changeset)

    def env_file(self, id_: str) -> EnvFile:
        """Return the env file of an ID."""
        return self._typed(id_, EnvFile)

    def json_value(self, id_: str) -> JSONValue:
        """Return the JSON value of an ID."""
        return self._typed(id_, JSONValue)

    def git_ref(self, id_: str) -> GitRef:
        """Return the git ref of an ID."""
        return self._typed(id_, GitRef)

    def sync(self, type_name: str, value: object) -> None:
        """Evaluate a value; one that has nothing to evaluate is fine as it is."""
        del type_name
        if isinstance(value, Container):
            self.sync_container(value)
        elif isinstance(value, Directory):
            self.solver.look_at(value.node, value.path, want="directory", shown=value.asked)
        elif isinstance(value, Changeset):
            self.solver.evaluate_all([value.before.node, value.after.node])
        elif isinstance(value, File):
            self.solver.look_at(value.node, value.path, want="file", shown=value.asked)

    def sync_container(self, container: Container) -> None:
        """Evaluate the root file system and every mount, which must be what it is mounted as."""
        mounted = [mount for mount in container.mounts if mount.node is not None]
        self.solver.evaluate_all(
            [container.tree, *(mount.node for mount in mounted if mount.node is not None)]
        )
        for mount in mounted:
            if mount.node is not None and (mount.node, mount.path) not in self._seen:
                self.solver.look_at(mount.node, mount.path, want=mount.kind)
                self._seen.add((mount.node, mount.path))

    # --- secrets ------------------------------------------------------------------------------

    def new_secret(
        self, value: bytes | EngineError, *, name: str = "", uri: str = "", identity: str
    ) -> Secret:
        """Keep a value in memory, or why there is none, and return its handle."""
        handle = secrets.token_hex(16)
        with self._lock:
            self._secrets[handle] = value
        return Secret(handle=handle, identity=identity, name=name, uri=uri)

    def secret_value(self, handle: str) -> bytes:
        """Return the value behind a handle.

        Raises:
            EngineError: There is none; the error says why.
        """
        value = self._secrets[handle]
        if isinstance(value, EngineError):
            raise type(value)(str(value))
        return value

    def keyed_hash(self, value: bytes) -> str:
        """Return a hash that says whether two values are equal, and nothing to other stores."""
        return hmac.new(self._hash_key(), value, hashlib.sha256).hexdigest()

    def _hash_key(self) -> bytes:
        """Return the store's own key, made at its first use."""
        path = self.store.root / "hash.key"
        if not path.exists():
            new = path.with_name(f"hash.key.{os.getpid()}.{threading.get_ident()}")
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(32))
            with contextlib.suppress(FileExistsError):
                os.link(new, path)  # whoever is first, wins
            new.unlink()
        return path.read_bytes()

    # --- the rest -----------------------------------------------------------------------------

    def set_auth(self, address: str, username: str, password: str) -> None:
        """Log in to a registry, named by any address in it, for the rest of the session."""
        self._auth[registry_of(address)] = (username, password)

    def drop_auth(self, address: str) -> None:
        """Forget a login."""
        self._auth.pop(registry_of(address), None)

    def image(self, address: str, platform: str, registry: Service | None = None) -> Image:
        """Return an image of a registry; a tag means the same for the whole session.

        One of a registry that is a service is brought at once, while the service runs.
        """
        key = (address, platform, "" if registry is None else registry.node.digest)
        with self._lock:
            flight = self._image_flights.setdefault(key, threading.Lock())
        with flight:  # branches of a pipeline ask for the same base at the same time
            found = self._images.get(key)
            if found is None:
                with self._registry(address, registry):
                    found = self.store.images.resolve(address, platform, dict(self._auth))
                    if registry is not None:
                        self.store.images.pull(found, dict(self._auth))
                self._images[key] = found
        return found

    def first_name(self, reference: str, platform: str) -> str:
        """Return the reference under which the session saw an image of this digest first."""
        return self._names.setdefault((reference.rpartition("@")[2], platform), reference)

    @contextlib.contextmanager
    def _registry(self, address: str, registry: Service | None) -> Generator[None]:
        """Have a service stand where an address says that the registry is."""
        if registry is None:
            yield
            return
        host = registry_of(address).rpartition(":")[0] or registry_of(address)
        with way_to(self.solver, registry.node, alias=host) as way, started_by(way.words):
            yield

    def publish(self, node: Node, address: str, registry: Service | None = None) -> str:
        """Push the images of a tarball's node; returns the reference with the digest.

        Raises:
            RegistryError: The registry was not reached, or refused.
        """
        op = node.op
        if not isinstance(op, Tarball):
            raise TypeError(f"expected a tarball, got {op!r}")
        results = self.solver.evaluate_all(node.inputs)
        machine = self.solver.machine

        def push(_op_id: str) -> str:
            images = out_images(
                op, [result.snapshot for result in results], machine, self.solver.views
            )
            with self._registry(address, registry):
                return self.store.images.push(
                    images,
                    address,
                    machine.auth(),
                    docker=op.media_types == "DockerMediaTypes",
                    epoch=op.epoch,
                )

        return self.solver.reported(f"publish {address}", push)

    def host_path(self, path: str) -> Path:
        """Return an absolute path of the client's host, relative ones from its directory.

        A command in a container has another host: whoever calls this has looked for that.
        """
        own_client("a path of the host")
        return Path(os.path.normpath(self.workdir / Path(path).expanduser()))

    def close(self) -> None:
        """End what runs for the session; the store is left whole."""
        self.solver.services.close()
        self.solver.machine.network.close()
        self.solver.machine.runtime.close()
        self.solver.machine.snapshotter.close()
        self.store.close()
        self.solver.machine.progress.close()

    @property
    def default_platform(self) -> str:
        """Return the platform of this machine."""
        return normalised(f"linux/{host_platform.machine()}")


def registry_of(address: str) -> str:
    """Return the registry's host of an image address or of a URL; Docker Hub's where none is."""
    rest = address.split("://", 1)[-1]
    host, slash, _ = rest.partition("/")
    if slash or "://" in address:
        named = "." in host or ":" in host or host == "localhost"
        return host if named else "docker.io"
    return host if "." in host or ":" in host or host == "localhost" else "docker.io"
