"""Single values of compose files: ports, volumes, commands, durations and sizes."""

import pytest

from keelway.compose.ports import PortError, ProtocolError, parse_port
from keelway.compose.sizes import parse_duration, parse_size, show_duration
from keelway.compose.volume_form import VolumeFormError, split_volume
from keelway.compose.words import WordsError, split_words


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("80", [(None, None, 80, "tcp")]),
        ("8080:80", [(None, "8080", 80, "tcp")]),
        ("53:53/UDP", [(None, "53", 53, "udp")]),
        ("127.0.0.1:8080:80", [("127.0.0.1", "8080", 80, "tcp")]),
        ("127.0.0.1::80", [("127.0.0.1", None, 80, "tcp")]),
        ("[::1]:8080:80", [("::1", "8080", 80, "tcp")]),
        ("::1:8080:80", [("::1", "8080", 80, "tcp")]),
        ("80-81", [(None, None, 80, "tcp"), (None, None, 81, "tcp")]),
        ("90-91:80-81", [(None, "90", 80, "tcp"), (None, "91", 81, "tcp")]),
        ("9000-9005:80", [(None, "9000-9005", 80, "tcp")]),
    ],
)
def test_short_ports(text: str, ports: list[tuple[object, ...]]) -> None:
    found = [(one.host_ip, one.published, one.target, one.protocol) for one in parse_port(text)]
    assert found == ports


@pytest.mark.parametrize(
    "text", ["", "web", "80:", "a:80", "90-92:80-81", "81-80", "70000", "1.2.3:80:80", "80/"]
)
def test_what_is_no_port(text: str) -> None:
    with pytest.raises(PortError):
        parse_port(text)


def test_a_protocol_that_is_not_forwarded() -> None:
    with pytest.raises(ProtocolError, match="sctp"):
        parse_port("80/sctp")


@pytest.mark.parametrize("text", ["", ":/x", "a:", "aa:/b:ro:x"])
def test_what_is_no_volume(text: str) -> None:
    with pytest.raises(VolumeFormError):
        split_volume(text)


@pytest.mark.parametrize(
    ("text", "words", "rest"),
    [
        ("echo a  b", ("echo", "a", "b"), ""),
        ("sh -c 'a b' \"c d\"", ("sh", "-c", "a b", "c d"), ""),
        (r"a\ b '\n' \"", ("a b", r"\n", '"'), ""),
        ("''", ("",), ""),
        ("", (), ""),
        ("a $(b c) `d e`", ("a", "$(b c)", "`d e`"), ""),
        ("a; b", ("a",), "; b"),
        ("a 2>&1", ("a",), ">&1"),
    ],
)
def test_commands_are_split_as_a_shell_would(text: str, words: tuple[str, ...], rest: str) -> None:
    assert split_words(text) == (words, rest)


@pytest.mark.parametrize("text", ["a 'b", 'a "b', "a `b", "a (b)", "a)", "a \\"])
def test_what_cannot_be_split(text: str) -> None:
    with pytest.raises(WordsError):
        split_words(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1m30s", 90),
        ("1h5m30s20ms", 3930.02),
        ("10us", 1e-5),
        ("2w", 1209600),
        ("0", 0),
        ("1.5h", 5400),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)
    assert parse_duration(show_duration(seconds)) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "10", "s", "1x", "1m 30s", "-1s", "1m30"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("300", 300),
        ("2b", 2),
        ("2k", 2048),
        ("64m", 67108864),
        ("1GB", 1024**3),
        ("1.5gib", 1610612736),
        ("10 mb", 10 * 1024**2),
        ("-1", -1),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "k", "1x", "1bb", "1kk", "-1k", "1 kb b"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_size(text)
