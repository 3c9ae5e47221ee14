"""Tables whose key `kind`, or one like it, says which model they are.

Pydantic puts the value of that key into the place of an error; in the document it is no table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

if TYPE_CHECKING:
    from keelway.config.positions import KeyPath


def inside(found: Any, part: str | int) -> Any:
    """Return the type of what stands under a key, an index, or the name of a union's branch."""
    if isinstance(found, type) and issubclass(found, BaseModel):
        field = found.model_fields.get(str(part))
        return None if field is None else field.annotation
    branches = branches_of(found)
    if branches:
        return branches.get(str(part))
    arguments = get_args(found)
    if not arguments:
        return None
    is_mapping = get_origin(found) is Mapping
    return arguments[1 if is_mapping else 0]


def branches_of(annotation: Any) -> dict[str, type[BaseModel]]:
    """Return a union's models by the value of the key that tells them apart; else nothing."""
    if get_origin(annotation) is not Annotated:
        return {}
    union, *extras = get_args(annotation)
    key = next((one.discriminator for one in extras if isinstance(one, FieldInfo)), None)
    if not isinstance(key, str):
        return {}
    models: tuple[Any, ...] = get_args(union) or (union,)
    return {value: one for one in models for value in get_args(one.model_fields[key].annotation)}


def written_path(model: type[BaseModel], path: KeyPath) -> KeyPath:
    """Return the place of an error without the names of branches, which nobody wrote."""
    kept: list[str | int] = []
    found: Any = model
    for part in path:
        if not branches_of(found):
            kept.append(part)
        found = inside(found, part)
    return tuple(kept)
