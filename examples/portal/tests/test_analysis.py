import pytest

from portal.analysis import MAX_CHARACTERS, InvalidText, analyse, check_text


def test_a_text_is_counted():
    told = analyse("Tea for two. And two for tea! What’s for supper?")
    assert (told.words, told.sentences, told.reading_seconds) == (10, 3, 3)
    assert told.frequent[:3] == (("for", 3), ("tea", 2), ("two", 2))


@pytest.mark.parametrize(
    ("text", "words", "sentences"),
    [("", 0, 0), ("42 + 7", 0, 0), ("no full stop", 3, 1), ("Grüß Gott.\n", 2, 1), ("e.g. x", 3, 1)],
)
def test_odd_texts(text: str, words: int, sentences: int):
    told = analyse(text)
    assert (told.words, told.sentences) == (words, sentences)


@pytest.mark.parametrize("text", [None, 7, "", " \n", "\x00", "x" * (MAX_CHARACTERS + 1)])
def test_what_is_no_text_is_refused(text: object):
    with pytest.raises(InvalidText, match="text"):
        check_text(text)
