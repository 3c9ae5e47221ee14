"""Secrets in output: all of a value goes, wherever the stream was cut."""

from __future__ import annotations

import random

from keelway.engine.solve.scrub import Scrubber


def scrubbed(secrets: list[bytes], *chunks: bytes) -> bytes:
    scrub = Scrubber(secrets)
    return b"".join(scrub.feed(chunk) for chunk in chunks) + scrub.end()


def test_secret_that_begins_with_another_leaves_no_end() -> None:
    secrets = [b"topsecret", b"topsecret-AND-REST"]
    assert scrubbed(secrets, b"a topsecret", b"-AND-REST b") == b"a *** b"


def test_shorter_secret_is_found_where_the_longer_one_does_not_follow() -> None:
    secrets = [b"topsecret", b"topsecret-AND-REST"]
    assert scrubbed(secrets, b"topsecret", b"-AND-OTHERS") == b"***-AND-OTHERS"


def test_cuts_make_no_difference() -> None:
    rng = random.Random(5)  # noqa: S311 - a test's choices
    for _ in range(2000):
        secrets = [bytes(rng.choices(b"ab", k=rng.randint(1, 5))) for _ in range(3)]
        text = bytes(rng.choices(b"abc", k=rng.randint(0, 25)))
        cuts = sorted(rng.choices(range(len(text) + 1), k=3))
        pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        assert scrubbed(secrets, *pieces) == scrubbed(secrets, text)
