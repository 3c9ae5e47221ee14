"""The configuration, found and read: `keelway.toml`, or `[tool.keelway]` of `pyproject.toml`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keelway.config.checks import check_config
from keelway.config.document import parse_toml, read_document
from keelway.config.exceptions import parse_exceptions
from keelway.config.lock import LOCK_FILE, LockFile, Pin, parse_lock_file
from keelway.config.root import Config
from keelway.errors import ConfigError, ConfigProblem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from keelway.config.explain import Place
    from keelway.model.exemption import Exemption

CONFIG_FILE = "keelway.toml"
PROJECT_FILE = "pyproject.toml"
PROJECT_TABLE = ("tool", "keelway")

_REFERENCE = "`keelway schema` prints every key with its meaning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A configuration and the place it came from."""

    config: Config
    """What was written."""
    file: Path
    """Absolute."""
    pins: Mapping[str, Pin]
    """Base images by name, from the lock file beside the configuration."""
    monitoring_pins: Mapping[str, Pin] = field(default_factory=dict[str, Pin])
    """Images of the monitoring by name, from there too."""
    exemptions: tuple[Exemption, ...] = ()
    """What the exceptions file beside it grants."""
    place: Place | None = None
    """Where its keys stand, for what is found wrong with them later."""

    @property
    def root(self) -> Path:
        """Return the directory that the configuration's relative paths are relative to."""
        return self.file.parent

    def paths(self) -> Iterator[str]:
        """Yield every path that the configuration names, as planning asks for it."""
        for image in self.config.images.values():
            yield image.context
            yield image.dockerfile_path
            for secret in image.secrets:
                if secret.source.startswith("file://"):
                    yield secret.source.removeprefix("file://")
        for registry in self.config.registries:
            if registry.password is not None and registry.password.startswith("file://"):
                yield registry.password.removeprefix("file://")
        if (self.config.cache.key or "").startswith("file://"):
            yield (self.config.cache.key or "").removeprefix("file://")
        yield from self._scanned_with()
        yield from self._told_with()

    def _told_with(self) -> Iterator[str]:
        for channel in self.config.notify:
            for key in ("url", "secret", "password", "token"):
                source = getattr(channel, key, None) or ""
                if source.startswith("file://"):
                    yield source.removeprefix("file://")

    def _scanned_with(self) -> Iterator[str]:
        scan, gate = self.config.scan, self.config.gate
        if scan.database not in {"download", "none"}:
            yield scan.database
        if scan.grype_database != "download":
            yield scan.grype_database
        if scan.snyk_token is not None and scan.snyk_token.startswith("file://"):
            yield scan.snyk_token.removeprefix("file://")
        if gate.threat_data is not None:
            yield gate.threat_data
        yield from gate.vex
        if self.config.load.script is not None:
            yield self.config.load.script


def load_config(start: Path, file: Path | None = None) -> Loaded:
    """Return the configuration.

    Args:
        start: Where to begin looking; directories above it are looked at as well.
        file: The file itself, or a directory that holds it; then nothing else is looked at.

    Raises:
        ConfigError: When there is none, or it is wrong: file, line, key and what was meant.
        PlanError: When it names a platform that cannot be built.
    """
    found = (_find(start) if file is None else _named(file)).absolute()
    return read_config(_read(found), found)


def read_config(text: str, found: Path) -> Loaded:
    """Return the configuration that a text is, as if it stood in a file.

    Args:
        text: TOML.
        found: The absolute path of the file; by its name it is known what the text is.

    Raises:
        ConfigError: It is wrong: file, line, key and what was meant.
        PlanError: When it names a platform that cannot be built.
    """
    prefix = PROJECT_TABLE if found.name == PROJECT_FILE else ()
    if prefix and not _has_table(text, found.name):
        raise _error(found.name, "has no [tool.keelway] table")
    try:
        document = read_document(text, found.name, Config, prefix)
        check_config(document.value, document.place)
    except ConfigError as error:
        raise ConfigError(error.problems, next_step=_REFERENCE) from error
    config, locked = document.value, _locked(found.parent)
    return Loaded(
        config=config,
        file=found,
        pins=locked.base,
        monitoring_pins=locked.monitoring,
        exemptions=_exemptions(found.parent / config.gate.exceptions, config.gate.exceptions),
        place=document.place,
    )


def find_config(start: Path) -> Path | None:
    """Return the file of the configuration, in this directory or above it; nothing without one.

    Raises:
        ConfigError: A directory has two of them.
    """
    for directory in (start.absolute(), *start.absolute().parents):
        found = _in_directory(directory)
        if found is not None:
            return found
        if (directory / ".git").exists():
            break
    return None


def _find(start: Path) -> Path:
    found = find_config(start)
    if found is not None:
        return found
    raise ConfigError(
        [
            ConfigProblem(
                file=CONFIG_FILE, line=None, key="", text=f"not found from {start} upwards"
            )
        ],
        next_step="write keelway.toml (`keelway schema` prints every key with its meaning), or name"
        " the file with --config",
    )


def _named(file: Path) -> Path:
    if not file.is_dir():
        return file
    found = _in_directory(file)
    if found is None:
        raise _error(str(file), "this directory holds no keelway.toml, and no [tool.keelway]")
    return found


def _in_directory(directory: Path) -> Path | None:
    own, project = directory / CONFIG_FILE, directory / PROJECT_FILE
    in_project = project.is_file() and _has_table(_read(project), PROJECT_FILE)
    if own.is_file() and in_project:
        raise _error(
            CONFIG_FILE, "pyproject.toml has a [tool.keelway] too: keep one of them, in either file"
        )
    if own.is_file():
        return own
    return project if in_project else None


def _has_table(text: str, file: str) -> bool:
    if PROJECT_TABLE[-1] not in text:
        return False
    tools = parse_toml(text, file).get(PROJECT_TABLE[0], {})
    return isinstance(tools, dict) and PROJECT_TABLE[1] in tools


def has_table(project: Path) -> bool:
    """Return whether a `pyproject.toml` configures keelway.

    Raises:
        ConfigError: When it cannot be read, or is no TOML.
    """
    return _has_table(_read(project), project.name)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise _error(str(file), "there is no such file") from error
    except UnicodeDecodeError as error:
        raise _error(file.name, f"not valid UTF-8 at byte {error.start}") from error
    except OSError as error:
        raise _error(str(file), f"cannot be read: {error.strerror}") from error


def _locked(directory: Path) -> LockFile:
    lock = directory / LOCK_FILE
    if not lock.exists():
        return LockFile()
    try:
        return parse_lock_file(_read(lock))
    except ConfigError as error:
        raise ConfigError(
            error.problems, next_step=f"remove {LOCK_FILE} and run `keelway base` again"
        ) from error


def _exemptions(path: Path, name: str) -> tuple[Exemption, ...]:
    return parse_exceptions(_read(path), name) if path.exists() else ()


def _error(file: str, text: str) -> ConfigError:
    return ConfigError([ConfigProblem(file=file, line=None, key="", text=text)])
