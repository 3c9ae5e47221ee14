"""What an order is, and what makes one invalid."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

MAX_LINES = 100
MAX_QUANTITY = 10_000
MAX_CENTS = 100_000_000


class InvalidOrder(ValueError):
    """The client sent something that is no order; the message says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """So many of one article."""

    sku: str
    quantity: int
    unit_price_cents: int

    def as_json(self) -> dict[str, Any]:
        return {
            "sku": self.sku,
            "quantity": self.quantity,
            "unit_price_cents": self.unit_price_cents,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An order that is not stored yet."""

    customer: str
    lines: tuple[Line, ...]

    @property
    def total_cents(self) -> int:
        return sum(line.quantity * line.unit_price_cents for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order as it is stored."""

    id: uuid.UUID
    customer: str
    lines: tuple[Line, ...]
    total_cents: int
    created_at: datetime

    def as_json(self) -> dict[str, Any]:
        return {
            "id": str(self.id),
            "customer": self.customer,
            "lines": [line.as_json() for line in self.lines],
            "total_cents": self.total_cents,
            "created_at": self.created_at.isoformat(),
        }


def parse_draft(body: Any) -> Draft:
    """Return the order that a request body describes.

    Raises:
        InvalidOrder: It describes none.
    """
    if not isinstance(body, Mapping):
        raise InvalidOrder("the body must be a JSON object")
    customer = body.get("customer")
    if not isinstance(customer, str) or not 1 <= len(customer.strip()) <= 200:
        raise InvalidOrder("customer: text of 1 to 200 characters is required")
    rows = body.get("lines")
    if not isinstance(rows, list) or not 1 <= len(rows) <= MAX_LINES:
        raise InvalidOrder(f"lines: a list of 1 to {MAX_LINES} lines is required")
    return Draft(
        customer=customer.strip(),
        lines=tuple(parse_line(row, f"lines[{number}]") for number, row in enumerate(rows)),
    )


def parse_line(row: Any, place: str = "line") -> Line:
    """Return one line of an order; raises InvalidOrder with its place."""
    if not isinstance(row, Mapping):
        raise InvalidOrder(f"{place}: an object is required")
    sku = row.get("sku")
    if not isinstance(sku, str) or not 1 <= len(sku) <= 64:
        raise InvalidOrder(f"{place}.sku: text of 1 to 64 characters is required")
    return Line(
        sku=sku,
        quantity=_whole(row.get("quantity"), 1, MAX_QUANTITY, f"{place}.quantity"),
        unit_price_cents=_whole(
            row.get("unit_price_cents"), 0, MAX_CENTS, f"{place}.unit_price_cents"
        ),
    )


def _whole(value: Any, least: int, most: int, place: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise InvalidOrder(f"{place}: a whole number from {least} to {most} is required")
    return value
