"""A call, carried out step by step in a session: the module's functions as its runtime calls them.

What a function of the module gives goes to the next one in the form in which the runtime of a
module would hand it over, as plain data with the ids of objects in it: a function that works here
keeps nothing that it would not keep there.
"""

from __future__ import annotations

import inspect
import json
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, cast

from keelway.calling.described import Kind
from keelway.calling.types import is_client_object, is_of_module
from keelway.calling.values import read_argument

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import dagger

    from keelway.calling.described import Argument, TypeOf
    from keelway.calling.loading import LoadedModule
    from keelway.calling.words import Call, Step


class Shown(str):
    """What stands for an object where it is shown: `Type@digest`."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a call comes to."""

    value: Any
    """Plain data; what is `Shown` for an object."""
    saved: str | None = None
    """Where it was written, if that was asked for."""


@dataclass(slots=True, kw_only=True)
class Caller:
    """A call at work."""

    dag: dagger.Client
    module: LoadedModule
    call: Call
    environ: Mapping[str, str]

    async def result(self, output: Path | None) -> Result:
        """Return what the last function of the call gives.

        Args:
            output: Where a file, a directory or an image is written to.

        Raises:
            ConfigError: An argument is of the wrong kind.
            DaggerError: A function failed.
        """
        value: Any = {}
        known: TypeOf | None = None
        for place, step in enumerate(self.call.steps):
            value = await self._called(place, step, value, known)
            known = step.function.returns
        return await self._ended(value, self.call.steps[-1].function.returns, output)

    async def _called(self, place: int, step: Step, value: Any, known: TypeOf | None) -> Any:
        """Return what one step gives: plain data from the module, objects of the client else."""
        function = step.function
        inputs = await self._inputs(place, step)
        if known is not None and not is_of_module(known.hint):
            member = getattr(value, function.python_name)
            given = member(**inputs)
            return await given if inspect.isawaitable(given) else given
        plain = {name: await _as_input(one) for name, one in inputs.items()}
        state = cast("Mapping[str, Any]", value)
        given = await self.module.registry.call(step.owner, state, function.name, plain)
        if function.returns.kind is Kind.OBJECT and not is_of_module(function.returns.hint):
            return await self.module.registry.load(function.returns.hint, given)
        return given

    async def _inputs(self, place: int, step: Step) -> dict[str, Any]:
        steps = self.call.steps[: place + 1]
        found: dict[str, Any] = {}
        for argument in step.function.arguments:
            written = step.given.get(argument.name)
            if written is not None:
                found[argument.name] = await read_argument(
                    self.dag, steps, argument, written, self.environ
                )
            elif argument.default_path is not None:
                found[argument.name] = self._contextual(argument, argument.default_path)
            elif argument.default_address is not None:
                address = self.dag.address(argument.default_address)
                found[argument.name] = address.container()
        return found

    def _contextual(self, argument: Argument, path: str) -> Any:
        """Return what a default path names: from the repository's root, or beside the module."""
        base = self.module.context if path.startswith("/") else self.module.folder
        place = str(base / path.lstrip("/"))
        host = self.dag.host()
        match argument.type.name:
            case "File":
                return host.file(place)
            case "GitRepository":
                return host.directory(place).as_git()
            case "GitRef":
                return host.directory(place).as_git().head()
            case _:
                return host.directory(place, exclude=list(argument.ignore) or None)

    async def _ended(self, value: Any, known: TypeOf, output: Path | None) -> Result:
        if known.element is not None and known.element.kind is Kind.OBJECT:
            return Result(value=[await _shown(one, known.element) for one in value])
        if known.kind is not Kind.OBJECT:
            return Result(value=_plain(value))
        if output is not None and hasattr(value, "export"):
            more: dict[str, Any] = {}
            if "allow_parent_dir_path" in inspect.signature(value.export).parameters:
                more["allow_parent_dir_path"] = True
            return Result(value=None, saved=await value.export(str(output), **more))
        if hasattr(value, "sync"):
            value = await value.sync()
        return Result(value=await _shown(value, known))


async def _as_input(value: Any) -> Any:
    """Return an argument as the runtime gets it: objects by their ids."""
    if isinstance(value, list):
        return [await _as_input(one) for one in cast("Sequence[object]", value)]
    if is_client_object(value):
        return await value.id()
    return value


async def _shown(value: Any, known: TypeOf) -> Shown:
    """Return what is shown of an object: its type, and a digest of what it is."""
    if hasattr(value, "id"):
        value = await value.id()
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return Shown(f"{known.name}@sha256:{sha256(text.encode()).hexdigest()}")


def _plain(value: Any) -> Any:
    """Return plain data of what the client gives: enumerations by their names."""
    if isinstance(value, list):
        return [_plain(one) for one in cast("Sequence[object]", value)]
    return getattr(value, "name", value)
