"""What is kept of an SDK's API between starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from keelway.engine.schema import client as sdk
from keelway.engine.schema.cache import SchemaCache

QUERY = "query IntrospectionQuery { __schema { types { name } } }"


def kept_files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


def test_the_second_start_reads_what_the_first_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = SchemaCache.open(tmp_path, sdk.find_client()).api
    monkeypatch.setattr("keelway.engine.schema.reflect.reflect", None)
    second = SchemaCache.open(tmp_path, sdk.find_client()).api
    assert second.data == first.data


def test_another_client_is_kept_elsewhere(tmp_path: Path) -> None:
    changed = tmp_path / "client" / "gen.py"
    changed.parent.mkdir()
    changed.write_text(sdk.find_client().read_text().replace('"stdout"', '"outstd"'))
    kept = tmp_path / "kept"
    assert SchemaCache.open(kept, sdk.find_client()).api.field("Container", "stdout")
    assert SchemaCache.open(kept, changed).api.field("Container", "outstd")


@pytest.mark.parametrize("content", [b"", b"\xff\xff", b"i\x01\x00"])
def test_a_damaged_file_is_made_again(tmp_path: Path, content: bytes) -> None:
    SchemaCache.open(tmp_path, sdk.find_client()).api.fields()
    (file,) = kept_files(tmp_path)
    file.write_bytes(content)
    assert SchemaCache.open(tmp_path, sdk.find_client()).api.field("Query", "container")


def test_only_queries_that_sdks_begin_with_are_kept(tmp_path: Path) -> None:
    cache = SchemaCache.open(tmp_path, sdk.find_client())
    cache.keep_answer(QUERY, b"answer")
    cache.keep_answer("{ __schema { types { name } } }", b"other")
    assert cache.kept_answer(QUERY) == b"answer"
    assert cache.kept_answer(QUERY + " ") is None
    assert cache.kept_answer("{ __schema { types { name } } }") is None


def test_a_place_that_cannot_be_written_costs_only_time() -> None:
    cache = SchemaCache.open(Path("/proc/nowhere"), sdk.find_client())
    cache.keep_answer(QUERY, b"answer")
    assert cache.api.field("Query", "container")
    assert cache.kept_answer(QUERY) is None
