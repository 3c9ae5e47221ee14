"""Additions to tags that others write too: looked for again where they were written, only there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel

from keelway.registry.amending import Amendments
from keelway.registry.content import INDEX_TYPE, Manifest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

TAG = "sha256-44136fa"


class Word:
    """A word that is added to a tag's annotations."""

    def __init__(self, word: str) -> None:
        self.word = word

    def is_in(self, found: Manifest) -> bool:
        return self.word in found.document["annotations"]

    async def added_to(self, found: Manifest | None) -> tuple[bytes, str]:
        known = {} if found is None else found.document["annotations"]
        return written(*known, self.word), INDEX_TYPE


class Tags:
    """The tags of a registry."""

    def __init__(self) -> None:
        self.named: dict[str, Manifest] = {}
        self.asked = 0
        self.written = 0
        self.wait: Callable[[], Awaitable[None]] = anyio.lowlevel.checkpoint

    async def find(self, tag: str) -> Manifest | None:
        self.asked += 1
        found = self.named.get(tag)
        await self.wait()
        return found

    async def put(self, data: bytes, media_type: str, tag: str) -> None:
        self.written += 1
        await self.wait()
        self.named[tag] = Manifest.parse(data, media_type)

    def amendments(
        self, stage: str = "sign", writing: dict[str, anyio.Lock] | None = None
    ) -> Amendments:
        return Amendments("a.test/x", stage=stage, find=self.find, put=self.put, writing=writing)


def written(*words: str) -> bytes:
    document = {"mediaType": INDEX_TYPE, "manifests": [], "annotations": dict.fromkeys(words, "")}
    return json.dumps(document).encode()


async def test_what_another_write_lost_is_added_again() -> None:
    tags = Tags()
    mine = tags.amendments()
    await mine.add(TAG, Word("mine"))
    # Somebody had read the tag before.
    await tags.put(written("theirs"), INDEX_TYPE, TAG)
    await mine.settle()
    assert set(tags.named[TAG].document["annotations"]) == {"mine", "theirs"}


async def test_what_was_there_already_is_looked_for_once() -> None:
    tags = Tags()
    await tags.put(written("one", "two"), INDEX_TYPE, TAG)
    again = tags.amendments()
    for word in ("one", "two"):
        await again.add(TAG, Word(word))
    await again.settle()
    assert tags.asked == 2


async def test_two_that_share_their_turns_write_each_word_once() -> None:
    tags, writing = Tags(), dict[str, anyio.Lock]()
    tags.wait = lambda: anyio.sleep(0.002)
    signing, attesting = tags.amendments("sign", writing), tags.amendments("attest", writing)
    async with anyio.create_task_group() as group:
        for number in range(6):
            group.start_soon(signing.add, TAG, Word(f"signature {number}"))
            group.start_soon(attesting.add, TAG, Word(f"statement {number}"))
    assert len(tags.named[TAG].document["annotations"]) == 12
    assert tags.written == 12, "nobody overwrote another"
