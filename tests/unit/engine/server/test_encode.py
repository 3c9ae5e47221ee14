from __future__ import annotations

import json

import pytest

from keelway.engine.schema.text import LONG, LongText, text_of
from keelway.engine.server.encode import LongBody, encode


def test_short_text_is_a_string() -> None:
    assert text_of(b"x" * LONG) == "x" * LONG
    assert text_of(b"\xff") == "\ufffd"
    assert encode({"a": 1}) == b'{"a":1}'


@pytest.mark.parametrize(
    "data",
    [
        b"x" * (LONG + 1),
        'äé€😀"\\\n\0'.encode() * LONG,
        b"\xff\xfe" * LONG,
        "😀".encode() * LONG + b"\xf0\x9f",
    ],
)
def test_long_text_is_the_same_json(data: bytes) -> None:
    text = text_of(data)
    assert isinstance(text, LongText)
    body = encode({"before": "b", "list": [text, text], "after": {"text": text}})
    assert isinstance(body, LongBody)
    whole = b"".join(body)
    assert len(whole) == body.size
    plain = data.decode("utf-8", "replace")
    assert json.loads(whole) == {
        "before": "b",
        "list": [plain, plain],
        "after": {"text": plain},
    }


def test_what_is_no_answer_is_refused() -> None:
    with pytest.raises(TypeError, match="set cannot be part of an answer"):
        encode({"a": set()})
