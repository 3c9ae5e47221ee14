from __future__ import annotations

import gzip
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import deflate
import pytest

from keelway.engine.errors import EngineError
from keelway.engine.store.compress import BLOCK, Gzip, compressor
from keelway.engine.store.decompress import plain_blocks

if TYPE_CHECKING:
    from pathlib import Path


def blocks(data: bytes) -> list[bytes]:
    return [data[at : at + BLOCK] for at in range(0, len(data), BLOCK)]


def packed(kind: str, data: bytes) -> bytes:
    out: list[bytes] = []
    with compressor(kind, out.append) as target:
        for block in blocks(data):
            target.block(block)
        target.finish()
    return b"".join(out)


TEXT = b"".join(b"line %d of a text that repeats itself\n" % n for n in range(120_000))
MIXED = TEXT[: BLOCK + 17] + os.urandom(2 * BLOCK) + TEXT


@pytest.mark.parametrize("data", [b"", b"x", TEXT[:BLOCK], MIXED], ids=["0", "1", "block", "mixed"])
def test_gzip_is_read_by_others(data: bytes) -> None:
    assert gzip.decompress(packed("gzip", data)) == data


def test_gzip_does_not_depend_on_the_number_of_threads() -> None:
    results = set()
    for count in (1, 2, 5):
        out: list[bytes] = []
        with ThreadPoolExecutor(count) as threads:
            target = Gzip(out.append, threads)
            for block in blocks(MIXED):
                target.block(block)
            target.finish()
        results.add(b"".join(out))
    assert len(results) == 1


def test_what_can_not_be_compressed_does_not_grow() -> None:
    data = os.urandom(4 * BLOCK)
    assert len(packed("gzip", data)) < len(data) + 2000


def test_pieces_take_no_more_than_the_whole_would() -> None:
    whole = deflate.gzip_compress(TEXT, 2)
    assert len(packed("gzip", TEXT)) < len(whole) * 1.02


def test_gzip_compresses_about_as_other_tools_do() -> None:
    usual = gzip.compress(TEXT, 4)
    assert len(packed("gzip", TEXT)) < len(usual) * 1.05


def test_zstd_is_read_by_its_program() -> None:
    data = packed("zstd", MIXED)
    done = subprocess.run(["zstd", "-dc"], input=data, capture_output=True, check=True)
    assert done.stdout == MIXED
    assert packed("zstd", MIXED) == data


@pytest.mark.parametrize("kind", ["gzip", "zstd", "uncompressed"])
def test_decompression_sees_every_byte(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(packed(kind, MIXED))
    seen: list[bytes] = []
    with path.open("rb") as file:
        assert b"".join(plain_blocks(file, kind, seen.append)) == MIXED
    assert b"".join(seen) == path.read_bytes()


def test_several_gzip_members_are_one_stream(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(gzip.compress(b"one") + gzip.compress(b"two") + b"\0" * 20)
    with path.open("rb") as file:
        assert b"".join(plain_blocks(file, "gzip", len)) == b"onetwo"


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_damaged_data_is_an_error(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "data"
    data = packed(kind, TEXT)
    path.write_bytes(data[: len(data) // 2])
    with path.open("rb") as file, pytest.raises(EngineError, match="damaged"):
        list(plain_blocks(file, kind, len))
