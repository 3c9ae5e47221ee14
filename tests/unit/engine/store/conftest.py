"""A store in a directory of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keelway.engine.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.registry import Registry


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store") as opened:
        yield opened


@pytest.fixture
def make_layer(store: Store) -> Callable[[dict[str, str | bytes | None]], str]:
    """Make a layer of files; None is a directory."""

    def make(files: dict[str, str | bytes | None]) -> str:
        work = store.new_work("test")
        work.chmod(0o755)
        fill(work, files)
        return store.layers.commit(work)

    return make


def fill(root: Path, files: dict[str, str | bytes | None]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.mkdir(exist_ok=True)
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.fixture(scope="session")
def address(registry: Registry) -> str:
    """Return host and port of a real registry on the loopback."""
    return registry.address
