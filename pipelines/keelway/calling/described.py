"""Functions with their arguments, as a caller sees them: made from what the SDK registers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import TYPE_CHECKING

from keelway.calling.naming import kebab

if TYPE_CHECKING:
    from collections.abc import Mapping


class Kind(StrEnum):
    """What a value is: as the API's `TypeDefKind`, less what no argument of a call can be."""

    STRING = "string"
    INTEGER = "int"
    FLOAT = "float"
    BOOLEAN = "bool"
    VOID = "void"
    SCALAR = "scalar"
    ENUM = "enum"
    LIST = "list"
    OBJECT = "object"
    """Of Dagger's own API, or of the module."""
    INPUT = "input"
    OTHER = "other"
    """Nothing that can be written on a command line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeOf:
    """The type of an argument, a field or a result."""

    kind: Kind
    name: str = ""
    """Of a scalar, an enumeration, an object or an input."""
    nullable: bool = False
    element: TypeOf | None = None
    """Of a list."""
    hint: type = object
    """What Python has for it."""

    def __str__(self) -> str:
        """Return the type as help shows it."""
        if self.element is not None:
            return f"[]{self.element}"
        if issubclass(self.hint, Enum):
            return ",".join(sorted(self.hint.__members__))
        return self.name or self.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """One argument of a function."""

    name: str
    """As the API has it."""
    python_name: str
    type: TypeOf
    doc: str = ""
    default: str | None = None
    """As JSON; nothing where there is none."""
    default_path: str | None = None
    default_address: str | None = None
    ignore: tuple[str, ...] = ()

    @property
    def flag(self) -> str:
        """What it is called on a command line, without the dashes."""
        return kebab(self.name)

    @property
    def required(self) -> bool:
        """Whether a call must give it."""
        given = (self.default, self.default_path, self.default_address)
        return not self.type.nullable and all(value is None for value in given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function, or a field: that is one without arguments."""

    name: str
    python_name: str
    doc: str = ""
    arguments: tuple[Argument, ...] = ()
    returns: TypeOf
    check: bool = False
    cache: str | None = None

    @property
    def command(self) -> str:
        """What it is called on a command line."""
        return kebab(self.name)

    @property
    def short(self) -> str:
        """The first line of what it does."""
        return self.doc.strip().partition("\n")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """An object of a module, or of Dagger's API."""

    name: str
    doc: str
    functions: Mapping[str, Function]
    """By the name on a command line, sorted."""
