"""What a Python module registers, read from the SDK's own registry; and its functions called.

Names that are private to the SDK are used here and in `types`, and nowhere else.
"""

from __future__ import annotations

import typing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from keelway.calling.described import Argument, Described, Function, Kind, TypeOf
from keelway.calling.naming import kebab
from keelway.calling.types import type_of
from keelway.errors import KeelwayError

if TYPE_CHECKING:
    from collections.abc import Mapping

    # A class of the SDK that has no types.
    SdkModule = Any


class Registry:
    """The objects of one module."""

    def __init__(self, main: type) -> None:
        """Read what was registered with the main object's class."""
        self.main = main.__name__
        self._module: SdkModule = main.__dagger_module__  # type: ignore[attr-defined] # the SDK sets it

    def object(self, name: str) -> Described:
        """Return an object of the module with its functions and fields."""
        from dagger.mod import _utils  # noqa: PLC0415 - private: not before it is needed

        found = self._module.get_object(name)
        functions = [_function(one) for key, one in found.functions.items() if key]
        hints = typing.get_type_hints(found.cls, include_extras=True)
        functions += [
            Function(
                name=key,
                python_name=field.original_name,
                doc=_utils.get_doc(hints[field.original_name]) or "",
                returns=type_of(hints[field.original_name]),
            )
            for key, field in found.fields.items()
        ]
        return Described(
            name=name,
            doc=_utils.get_doc(found.cls) or "",
            functions={one.command: one for one in sorted(functions, key=lambda one: one.name)},
        )

    def constructor(self) -> Function:
        """Return what makes the main object."""
        return _function(self._module.get_object(self.main).get_constructor())

    async def call(
        self, parent: str, state: Mapping[str, Any], name: str, inputs: Mapping[str, Any]
    ) -> Any:
        """Return what a function gives, as the runtime of a module would hand it over.

        Args:
            parent: The object whose function it is.
            state: What the object is made of.
            name: The function; empty for the constructor.
            inputs: Arguments as plain values, objects by their ids.

        Raises:
            QueryError: The API refused something, or a function of keelway's failed.
            KeelwayError: The function failed in a way of its own.
        """
        from dagger.mod._exceptions import ModuleError  # noqa: PLC0415 - private, as above

        try:
            return await self._module.get_result(parent, state, name, inputs)
        except ModuleError as error:
            raise KeelwayError(
                f"{kebab(name) or parent} failed: {error}",
                why=None if error.__cause__ is None else f"{type(error.__cause__).__name__}",
                next_step="correct the module; the function's own traceback is above",
            ) from error

    async def load(self, hint: type, identifier: str) -> Any:
        """Return an object of the API by its id."""
        return await self._module.structure(identifier, hint)


def _function(found: Any) -> Function:
    return Function(
        name=found.name or "",
        python_name=found.original_name,
        doc=found.doc or "",
        arguments=tuple(_argument(name, one) for name, one in found.parameters.items()),
        returns=_returned(found),
        check=found.check,
        cache=found.cache_policy,
    )


def _returned(found: Any) -> TypeOf:
    returned = found.return_type
    return TypeOf(kind=Kind.VOID) if returned is None else type_of(returned)


def _argument(python_name: str, found: Any) -> Argument:
    known = type_of(found.resolved_type)
    return Argument(
        name=found.name,
        python_name=python_name,
        # The SDK takes an argument for optional whose default it cannot write down.
        type=replace(known, nullable=known.nullable or found.is_nullable),
        doc=found.doc or "",
        default=found.default_value,
        default_path=found.default_path,
        default_address=found.default_address,
        ignore=tuple(found.ignore or ()),
    )
