"""What tests of facts share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.repositories import Repository, new_repository
from tests.support.two_images import FILES

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def shop(tmp_path: Path) -> Repository:
    """A repository with two images, committed on main; the tests' branch is `topic`."""
    made = new_repository(tmp_path / "shop")
    made.commit(FILES)
    made.git("switch", "-q", "-c", "topic")
    return made
