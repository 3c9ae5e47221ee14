"""A Dagger module of this machine, found and imported."""

from __future__ import annotations

import importlib
import json
import sys
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from keelway.calling.naming import kebab
from keelway.calling.places import MODULE_FILES, MODULE_FOLDER, module_folder
from keelway.calling.registry import Registry
from keelway.errors import ConfigError, ConfigProblem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_OWN = "keelway.module"
_MAIN = "Keelway"
_ENTRY_GROUP = "dagger.mod"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModule:
    """A module whose functions can be called."""

    registry: Registry
    name: str
    doc: str
    folder: Path
    """What default paths that do not begin with `/` are relative to."""
    context: Path
    """What default paths that begin with `/` are relative to: the root of the git repository."""


def load_module(given: str | None, here: Path) -> LoadedModule:
    """Return a module.

    Args:
        given: Its folder; without one it is the folder `ci`, if that holds one, else keelway's own.
        here: The current directory.

    Raises:
        ConfigError: There is no such module, or it cannot be loaded.
    """
    if given is not None and ("://" in given or given.startswith("git@")):
        raise _error(
            given,
            "only a module of this machine can be called",
            "clone its repository, and name the folder; Dagger's own command line takes addresses",
        )
    folder = module_folder(given, here)
    if folder is None:
        # As if it lay in the repository that it is called in.
        root = _root_above(here)
        return _imported(_OWN, _MAIN, name="keelway", folder=root, context=root)
    return _load(folder, given or MODULE_FOLDER)


def _load(folder: Path, given: str) -> LoadedModule:
    settings = _settings(folder, given)
    runtime = settings.get("runtime") or settings.get("sdk")
    language = (
        cast("Mapping[str, object]", runtime).get("source")
        if isinstance(runtime, dict)
        else runtime
    )
    if language != "python":
        raise _error(
            given,
            f"the module's SDK is '{language}', and only Python modules can be called here",
            "call it with Dagger's own command line",
        )
    name = str(settings["name"])
    main = "".join(part.capitalize() for part in kebab(name).split("-"))
    source = folder / str(settings.get("source") or ".")
    package, main = _entry(source, name, main)
    for place in (source / "src", source):
        if str(place) not in sys.path and place.is_dir():
            sys.path.insert(0, str(place))
    return _imported(package, main, name=name, folder=source, context=_root_above(folder))


def _settings(folder: Path, given: str) -> Mapping[str, Any]:
    for file in (folder / name for name in MODULE_FILES):
        if not file.is_file():
            continue
        try:
            text = file.read_text(encoding="utf-8")
            found: object = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
        except (OSError, ValueError) as error:
            raise _error(str(file), f"it cannot be read: {error}", "correct it") from error
        settings = cast("Mapping[str, Any]", found if isinstance(found, dict) else {})
        if not settings.get("name"):
            raise _error(str(file), "it names no module", 'write `name = "..."` into it')
        return settings
    raise _error(
        given,
        "there is no Dagger module: neither dagger-module.toml nor dagger.json is there",
        "name the folder of one with -m, or leave -m out for keelway's own functions",
    )


def _entry(source: Path, name: str, main: str) -> tuple[str, str]:
    """Return package and class of the main object, found as the SDK finds them."""
    file = source / "pyproject.toml"
    project: dict[str, Any] = {}
    if file.is_file():
        try:
            project = tomllib.loads(file.read_text(encoding="utf-8")).get("project", {})
        except (OSError, ValueError) as error:
            raise _error(str(file), f"it cannot be read: {error}", "correct it") from error
    entry = project.get("entry-points", {}).get(_ENTRY_GROUP, {}).get("main_object")
    if entry:
        package, _, named = str(entry).partition(":")
        return package, named or main
    package = str(project.get("name") or kebab(name)).replace("-", "_")
    return package, main


def _imported(package: str, main: str, *, name: str, folder: Path, context: Path) -> LoadedModule:
    try:
        module = importlib.import_module(package)
        found = getattr(module, main)
        registry = Registry(found)
    except Exception as error:
        raise _error(
            name,
            f"{package} with its class {main} cannot be loaded: {type(error).__name__}: {error}",
            "install what it imports beside keelway, and look that the class is there, decorated "
            "with @object_type",
        ) from error
    return LoadedModule(
        registry=registry,
        name=name,
        doc=(module.__doc__ or "").strip(),
        folder=folder,
        context=context,
    )


def _root_above(folder: Path) -> Path:
    """Return the root of the git repository around a folder, else the folder."""
    for one in (folder, *folder.parents):
        if (one / ".git").exists():
            return one
    return folder


def _error(place: str, text: str, next_step: str) -> ConfigError:
    problem = ConfigProblem(file=f"module {place}", line=None, key="", text=text)
    return ConfigError([problem], next_step=next_step)
