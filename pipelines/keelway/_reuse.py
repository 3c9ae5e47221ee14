"""Results of tests that passed, kept by the engine under the digest of all that decided them.

What an image's archive says is kept there too, by the digest of the archive.

    memory = open_memory(run, spec, busybox, stage="integration", directory=".keelway")
    place = await memory.look(inputs, SuiteResult)
    if place.kept is not None:
        return place.kept                 # nothing that it depends on changed since
    ...
    await memory.keep(place, result, at=began, passed=True, files=[result.log])

They are in a cache volume, which every engine has, one small file each. What failed is noted there
too: where the same inputs fail and pass, the test is flaky, and what it says is never reused.
"""

from __future__ import annotations

import base64
import binascii
import functools
import gzip
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib import resources
from importlib.metadata import PackageNotFoundError, version
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import anyio

from keelway._image_start import open_busybox
from keelway._kept import keep
from keelway._stage import failures_of
from keelway.model.outcome import Skipped
from keelway.model.reuse import ReuseSpec
from keelway.stack.supervise import BUSYBOX_PATH

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from importlib.resources.abc import Traversable

    import dagger
    from pydantic import TypeAdapter

    from keelway._stage import Run
    from keelway.model.tool import ToolSource

T = TypeVar("T")

VOLUME = "keelway/results"
"""The cache volume that has them."""
_FOLDER = "/results"
_FOUND = "/found"
_NEW = "/new"
_LARGEST_BYTES = 4 * 1024 * 1024
"""What is longer, packed, is not kept: logs of a test that says very much."""
_FORGOTTEN_DAYS = 60
FOREVER = ReuseSpec(days=_FORGOTTEN_DAYS)
"""How long what cannot change counts: until it is forgotten."""
_RUNNERS = ("stack", "faults", "loadtest", "_tools", "policy/content.py")
"""What of keelway itself carries tests out, and reads what they wrote, or an archive."""
_ENDINGS = (".py", ".sh")

_LOOK = """\
B={busybox}
if [ -f "{folder}/$1" ]; then "$B" cp "{folder}/$1" "{found}"; else : >"{found}"; fi
"""
_KEEP = """\
B={busybox}
"$B" cp "{new}" "{folder}/.$1.$2" && "$B" mv "{folder}/.$1.$2" "{folder}/$1"
"$B" find "{folder}" -type f -mtime +{days} -exec "$B" rm -f {{}} +
"""

_MACHINE = """\
B={busybox}
"$B" grep -E '^(model name|CPU (implementer|part))' /proc/cpuinfo | "$B" sort | "$B" uniq -c
"$B" awk '/^MemTotal/ {{ print int($2 / 1048576 + 0.5) " GiB" }}' /proc/meminfo
"$B" uname -m
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place(Generic[T]):
    """Where a result is kept, and what is there."""

    key: str
    """The digest of all that decides it."""
    kept: T | None = None
    """The result that is reused; nothing where the test has to run."""
    failed: bool = False
    """Whether the same inputs failed before: when they pass now, nobody can rely on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The results that one engine keeps."""

    run: Run
    spec: ReuseSpec
    busybox: dagger.File
    stage: str
    directory: str
    """The report directory: what a test left there is there again when its result is reused."""

    async def look(self, inputs: Mapping[str, object], kind: type[T]) -> Place[T]:
        """Return where the result of these inputs is kept, with the result if it may be reused.

        Args:
            inputs: All that decides it, as JSON has it, and no secret.
            kind: What the result is.

        Raises:
            StageError: The engine does not run the command that looks.
            KeelwayError: The report directory cannot be written to.
        """
        script = _LOOK.format(busybox=BUSYBOX_PATH, folder=_FOLDER, found=_FOUND)
        with failures_of(self.stage, "looking for what tests said before"):
            key = key_of({**inputs, "engine": await self.run.dag.version()})
            text = await self._script(script, key).file(_FOUND).contents()
        record = _unpacked(text)
        if record is None or not self._counts(record):
            return Place(key=key)
        if self.spec.rerun or not record.passed:
            return Place(key=key, failed=not record.passed)
        try:
            result = form(kind).validate_python(record.result)
        except ValueError:  # of another form, or broken: it is made anew
            return Place(key=key)
        for name, kept in record.files.items():
            _ = await keep(self.directory, name, kept)
        return Place(key=key, kept=result)

    def _counts(self, record: _Record) -> bool:
        """Tell whether a record is young enough, and names no file elsewhere."""
        age = self.run.clock.now() - record.at
        young = timedelta(0) <= age <= timedelta(days=self.spec.days)
        return young and all(_is_inside(name) for name in record.files)

    async def keep(
        self,
        place: Place[T],
        result: T,
        *,
        at: datetime,
        passed: bool,
        files: Iterable[str],
    ) -> None:
        """Keep what a test said, for whoever asks with the same inputs.

        Args:
            place: Where, as `look` gave it.
            result: What it said.
            at: When it ran.
            passed: Whether all is well: what is not is noted, and never reused.
            files: What it left in the report directory, by path.

        Raises:
            StageError: The engine does not run the command that keeps it.
        """
        if passed and place.failed:
            self.run.say(
                self.stage,
                "it failed before with the very same inputs: it is flaky, and runs each time",
            )
            return
        record: dict[str, Any] = {"at": at.isoformat(), "passed": passed}
        if passed:
            dumped = form(type(result)).dump_python(result, mode="json")
            folder = anyio.Path(self.directory)
            kept = {name: await (folder / name).read_text(encoding="utf-8") for name in files}
            record |= {"result": dumped, "files": kept}
        text = _packed(record)
        if len(text) > _LARGEST_BYTES:
            self.run.say(self.stage, "what came of it is too long to be kept: it is done each time")
            return
        new = self.run.dag.directory().with_new_file("new", text).file("new")
        script = _KEEP.format(busybox=BUSYBOX_PATH, folder=_FOLDER, new=_NEW, days=_FORGOTTEN_DAYS)
        with failures_of(self.stage, "keeping what a test said"):
            _ = await self._script(script, place.key, new).sync()

    async def machine(self) -> str:
        """Return what the engine's machine is made of: processors, their number, memory in GiB.

        Raises:
            StageError: The engine does not run the command that asks.
        """
        with failures_of(self.stage, "asking the engine for its machine"):
            return await self._script(_MACHINE.format(busybox=BUSYBOX_PATH), "").stdout()

    def _script(self, script: str, key: str, new: dagger.File | None = None) -> dagger.Container:
        """Return a container that sees the volume; never the same, so that nothing is cached."""
        nonce = secrets.token_hex(8)
        container = (
            self.run.dag.container()
            .with_mounted_file(BUSYBOX_PATH, self.busybox)
            .with_mounted_cache(_FOLDER, self.run.dag.cache_volume(VOLUME))
        )
        if new is not None:
            container = container.with_mounted_file(_NEW, new)
        return container.with_exec([BUSYBOX_PATH, "sh", "-c", script, "sh", key, nonce])


def open_memory(
    run: Run, spec: ReuseSpec, busybox: ToolSource | Skipped, *, stage: str, directory: str
) -> Memory | None:
    """Return what the engine keeps; nothing where results are not reused.

    Args:
        run: The run.
        spec: How long a result counts.
        busybox: What reads and writes the volume.
        stage: Which stage it is for, for errors.
        directory: The report directory.
    """
    if not spec.days:
        return None
    found = open_busybox(run, busybox)
    if isinstance(found, Skipped):
        return None
    return Memory(run=run, spec=spec, busybox=found, stage=stage, directory=directory)


def key_of(inputs: Mapping[str, object]) -> str:
    """Return the digest of inputs, and of the code that carries tests out.

    >>> key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1}) != key_of({"a": 1})
    True
    """
    told = json.dumps({**inputs, "runner": runner()}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(told.encode()).hexdigest()


@functools.cache
def runner() -> str:
    """Return the version of keelway, with the digest of what of it carries tests out."""
    root = resources.files("keelway")
    digest = hashlib.sha256()
    own = [one for one in root.iterdir() if one.name.endswith(("_run.py", "_reuse.py"))]
    for part in (*own, *(root / name for name in _RUNNERS)):
        for file in _files(part):
            digest.update(f"{file.name}\0".encode() + file.read_bytes())
    try:
        named = version("keelway")
    except PackageNotFoundError:
        named = "unknown"
    return f"{named} {digest.hexdigest()}"


def _files(part: Traversable) -> Iterator[Traversable]:
    if part.is_dir():
        for one in sorted(part.iterdir(), key=lambda one: one.name):
            yield from _files(one)
    elif part.name.endswith(_ENDINGS):
        yield part


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    at: datetime
    passed: bool
    result: object = None
    files: dict[str, str] = field(default_factory=dict[str, str])


def _packed(record: Mapping[str, object]) -> str:
    return base64.b64encode(gzip.compress(json.dumps(record).encode(), mtime=0)).decode()


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


def _unpacked(text: str) -> _Record | None:
    """Return what a file of the volume says; nothing where it says nothing that can be read."""
    try:
        return form(_Record).validate_json(gzip.decompress(base64.b64decode(text)))
    except (ValueError, binascii.Error, OSError, EOFError):
        return None


def form(kind: type[T]) -> TypeAdapter[T]:
    """Return what reads and writes results of a kind."""
    return cast("TypeAdapter[T]", _form(cast("Any", kind)))


@functools.cache
def _form(kind: type[object]) -> TypeAdapter[object]:
    from pydantic import TypeAdapter  # noqa: PLC0415 - not for a plan

    adapter = TypeAdapter(kind, config=None)
    adapter.rebuild(force=True, _types_namespace=_names())
    return adapter


def _names() -> dict[str, Any]:
    """Return what annotations of the models name, whichever of their modules they stand in."""
    from collections.abc import Mapping  # noqa: PLC0415 - not for a plan

    from keelway.model import faults, load, platform, tests, tool  # noqa: PLC0415 - likewise

    found: dict[str, Any] = {}
    for module in (tool, platform, faults, tests, load):
        found |= {name: value for name, value in vars(module).items() if name[:1].isupper()}
    return found | {"Mapping": Mapping, "datetime": datetime}
