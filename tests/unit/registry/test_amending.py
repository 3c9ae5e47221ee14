"""Additions to tags that others write too: looked for again where they were written, only there."""

from __future__ import annotations

import json

from keelway.registry.amending import Amendments
from keelway.registry.content import INDEX_TYPE, Manifest

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

    async def find(self, tag: str) -> Manifest | None:
        self.asked += 1
        return self.named.get(tag)

    async def put(self, data: bytes, media_type: str, tag: str) -> None:
        self.named[tag] = Manifest.parse(data, media_type)

    def amendments(self) -> Amendments:
        return Amendments("a.test/x", stage="sign", find=self.find, put=self.put)


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
