"""Which ids there are, by the map of a user namespace."""

from __future__ import annotations

import pytest

from keelway.engine.ids import is_mapped

USER = "         0       1000          1\n         1     100000      65536\n"


@pytest.mark.parametrize(
    ("number", "mapped"), [(0, True), (1, True), (65536, True), (65537, False)]
)
def test_ids_of_an_ordinary_user(number: int, *, mapped: bool) -> None:
    assert is_mapped(number, USER) is mapped


def test_root_has_them_all() -> None:
    assert is_mapped(4294967294, "         0          0 4294967295\n")
