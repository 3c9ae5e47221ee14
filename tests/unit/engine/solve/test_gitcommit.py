from __future__ import annotations

import pytest

from keelway.engine.errors import EngineError
from keelway.engine.solve.gitcommit import Person, parse_commit

SIGNED = """\
tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904
parent 1111111111111111111111111111111111111111
parent 2222222222222222222222222222222222222222
author Ada L. <ada@example.com> 1500000000 +0530
committer Bot <> 1500000060 +0000
gpgsig -----BEGIN PGP SIGNATURE-----
 parent 3333333333333333333333333333333333333333
 -----END PGP SIGNATURE-----

First line

A body
of two lines.
"""


def test_commit_says_who_made_it_when_and_why() -> None:
    found = parse_commit(SIGNED)
    assert found.tree == "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    assert found.parents == ("1" * 40, "2" * 40)
    assert found.author == Person(
        name="Ada L.", email="ada@example.com", date="2017-07-14T08:10:00+05:30"
    )
    assert found.committer == Person(name="Bot", email="", date="2017-07-14T02:41:00Z")
    assert found.headline == "First line"
    assert found.body == "A body\nof two lines."


def test_zone_west_of_greenwich() -> None:
    assert parse_commit(SIGNED.replace("+0530", "-0330")).author.date == "2017-07-13T23:10:00-03:30"


def test_what_is_no_commit_is_refused() -> None:
    with pytest.raises(EngineError, match="names nobody"):
        parse_commit("tree 1\n\nmessage")
