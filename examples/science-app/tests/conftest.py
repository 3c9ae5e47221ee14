from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fits.app import create_app
from fits.settings import Settings
from starlette.testclient import TestClient

KEY = "a-key-of-the-tests-alone"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    settings = Settings(api_key=KEY, store_key="another-one-of-theirs", data=str(tmp_path))
    with TestClient(create_app(settings), headers={"X-API-Key": KEY}) as one:
        yield one
