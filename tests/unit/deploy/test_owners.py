"""Whom a service runs as, in numbers."""

from __future__ import annotations

import pytest

from keelway.deploy.hardening import is_root
from keelway.deploy.owners import Owner, parse_owner

PASSWD = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:app:/:/bin/sh\nbroken\ntoor:x:0:0::/:\n"  # noqa: S105 - accounts
GROUP = "root:x:0:\nstaff:x:50:app\nbroken\n"


@pytest.mark.parametrize(
    ("user", "owner"),
    [
        ("", Owner(0, 0)),
        ("root", Owner(0, 0)),
        ("toor", Owner(0, 0)),  # root by another name
        ("app", Owner(1000, 1001)),
        ("app:staff", Owner(1000, 50)),
        ("app:7", Owner(1000, 7)),
        ("1000", Owner(1000, 1001)),
        ("4711", Owner(4711, 0)),
        ("nobody-there", None),
        ("app:nobody", None),
    ],
)
def test_users_as_images_write_them(user: str, owner: Owner | None) -> None:
    assert parse_owner(user, PASSWD, GROUP) == owner


def test_root_is_seen_in_every_form() -> None:
    assert all(map(is_root, ("", "0", "root", "0:1000", "root:staff")))
    assert not any(map(is_root, ("1000", "app", "1000:0")))
