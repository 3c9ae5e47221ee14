"""The top-level networks, volumes, secrets and configs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.compose.build_section import texts_of
from keelway.compose.project import FileSource, Network, Volume
from keelway.compose.tree import Map

if TYPE_CHECKING:
    from keelway.compose.value import Value

_SOURCES = ("file", "environment", "content")
_WITH_EXTERNAL = frozenset({"name", "external"})


def read_networks(value: Value, project: str) -> dict[str, Network]:
    """Return the networks by their keys."""
    return {
        key: Network(
            name=_name(one, key, project),
            internal=one.get("internal").flag() or False,
            external=_is_external(one),
            driver=one.get("driver").text(),
        )
        for key, one in value.entries().items()
    }


def read_volumes(value: Value, project: str) -> dict[str, Volume]:
    """Return the volumes by their keys."""
    found: dict[str, Volume] = {}
    for key, one in value.entries().items():
        more = [name for name in one.own_entries() if name not in _WITH_EXTERNAL]
        if _is_external(one) and more:
            one.error(f"external and {more[0]} exclude each other: it is there already")
        found[key] = Volume(
            name=_name(one, key, project),
            external=_is_external(one),
            driver=one.get("driver").text(),
            labels=texts_of(one.get("labels")),
        )
    return found


def read_sources(value: Value, project: str) -> dict[str, FileSource]:
    """Return the secrets, or the configs, by their keys."""
    found: dict[str, FileSource] = {}
    for key, one in value.entries().items():
        said = [name for name in _SOURCES if one.get(name).is_there]
        is_external = _is_external(one)
        if len(said) > 1:
            one.error(f"{' and '.join(said)} exclude each other")
        elif not said and not is_external and not one.get("driver").is_there:
            choices = "file, environment" + (", content" if value.path == ("configs",) else "")
            one.error(f"one of {choices} is required, and all are missing")
        found[key] = FileSource(
            name=_name(one, key, project),
            file=one.get("file").absolute_path(),
            environment=one.get("environment").text(),
            content=one.get("content").text(),
            external=is_external,
            place=one.place,
        )
        _tell_unset(one.get("environment"))
    return found


def _tell_unset(value: Value) -> None:
    variable = value.text()
    if variable and variable not in value.near.origin.environment:
        text = f"the variable {variable} is not set: it counts as empty"
        value.problems.notice(value.near, value.path, text)


def _is_external(value: Value) -> bool:
    external = value.get("external")
    return isinstance(external.node, Map) or external.flag() is True


def _name(value: Value, key: str, project: str) -> str:
    """Return the name outside of the project: its own, or one that the project's is part of."""
    own = value.get("name").text()
    older = value.get("external", "name").text()
    if own and older and own != older:
        value.error("name and external.name differ: write name only")
    named = own or older
    if named:
        return named
    return key if _is_external(value) else f"{project}_{key}"
