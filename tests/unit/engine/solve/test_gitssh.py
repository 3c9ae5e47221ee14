from __future__ import annotations

import pytest

from keelway.engine.solve.gitssh import is_ssh


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("ssh://git@example.com/a", True),
        ("git@example.com:a/b.git", True),
        ("me@host:/abs/path", True),
        ("https://example.com/a", False),
        ("http://127.0.0.1:8000/a.git", False),
        ("git://example.com/a", False),
        ("file:///srv/a", False),
        ("/srv/a:b", False),
        ("", False),
    ],
)
def test_which_addresses_are_asked_by_ssh(address: str, expected: bool) -> None:
    assert is_ssh(address) is expected
