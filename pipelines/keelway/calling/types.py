"""Types as the SDK reads them from annotations: by the same rules as its own registration."""

from __future__ import annotations

import enum
import types
import typing
from dataclasses import InitVar
from typing import Any, cast

import dagger
from dagger.client import base

from keelway.calling.described import Kind, TypeOf

_PLAIN: dict[object, Kind] = {
    str: Kind.STRING,
    int: Kind.INTEGER,
    float: Kind.FLOAT,
    bool: Kind.BOOLEAN,
    type(None): Kind.VOID,
}


def type_of(annotation: object) -> TypeOf:
    """Return what an annotation stands for."""
    annotation = _bare(annotation)
    members = _members(annotation)
    inner = [one for one in members if one is not type(None)]
    nullable = len(inner) < len(members)
    if len(inner) > 1:
        return TypeOf(kind=Kind.OTHER, nullable=nullable)
    return _known(_bare(inner[0]) if inner else annotation, nullable=nullable)


def _bare(annotation: object) -> object:
    """Return an annotation without what is only said about it."""
    if isinstance(annotation, InitVar):
        return _bare(cast("Any", annotation).type)
    if typing.get_origin(annotation) is typing.Annotated:
        return _bare(typing.get_args(annotation)[0])
    return annotation


def _members(annotation: object) -> list[object]:
    if typing.get_origin(annotation) in {typing.Union, types.UnionType}:
        return list(typing.get_args(annotation))
    return [annotation]


def _known(hint: object, *, nullable: bool) -> TypeOf:
    if hint in _PLAIN:
        return TypeOf(kind=_PLAIN[hint], nullable=nullable)
    if typing.get_origin(hint) in {list, tuple} or _is_sequence(hint):
        element = type_of(typing.get_args(hint)[0])
        return TypeOf(kind=Kind.LIST, nullable=nullable, element=element)
    if not isinstance(hint, type):
        return TypeOf(kind=Kind.OTHER, nullable=nullable)
    # The client's methods check their arguments, and what does so stands in for classes that were
    # not there yet when the method was made: under their names.
    known = getattr(dagger, hint.__name__, hint) if _kind_of_class(hint) is Kind.OTHER else hint
    return TypeOf(kind=_kind_of_class(known), name=known.__name__, nullable=nullable, hint=known)


def _is_sequence(hint: object) -> bool:
    origin = typing.get_origin(hint)
    return isinstance(origin, type) and origin.__name__ == "Sequence"


def _kind_of_class(hint: type) -> Kind:
    if is_of_module(hint):
        return Kind.OBJECT
    if issubclass(hint, enum.Enum):
        return Kind.ENUM
    if issubclass(hint, base.Scalar):
        return Kind.SCALAR
    if issubclass(hint, base.Input):
        return Kind.INPUT
    if issubclass(hint, base.Type):
        return Kind.OBJECT
    return Kind.OTHER


def is_client_object(value: object) -> bool:
    """Return whether a value is an object of the API, as the SDK's client has it."""
    return isinstance(value, base.Type)


def is_of_module(hint: type) -> bool:
    """Return whether a class is an object type of a module."""
    return hasattr(hint, "__dagger_object_type__")
