"""Where else the engine finds an image whose registry does not answer."""

from __future__ import annotations

import pytest

from keelway.engine.errors import RegistryError, UnreachedError
from keelway.engine.store.mirrors import VARIABLE, first_that_answers, mirrors_of
from keelway.engine.store.reference import Reference, parse_reference

LISTED = "docker.io=mirror.test/hub docker.io=second.test ghcr.io/shop=127.0.0.1:5000/kept"


@pytest.mark.parametrize(
    ("image", "places"),
    [
        ("alpine:3.20", ["mirror.test/hub/library/alpine:3.20", "second.test/library/alpine:3.20"]),
        ("ghcr.io/shop/orders:1", ["127.0.0.1:5000/kept/orders:1"]),
        ("ghcr.io/shopping/orders:1", []),
        ("quay.io/x/y", []),
    ],
)
def test_a_prefix_stands_for_all_below_it(image: str, places: list[str]) -> None:
    assert [str(one) for one in mirrors_of(parse_reference(image), LISTED)] == places


def test_the_digest_stays() -> None:
    digest = f"sha256:{'0' * 64}"
    (place,) = mirrors_of(parse_reference(f"ghcr.io/shop/orders:1@{digest}"), LISTED)
    assert place.digest == digest


def test_mirrors_are_asked_only_when_the_registry_itself_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(VARIABLE, LISTED)
    asked: list[str] = []
    answers = {
        "docker.io": UnreachedError("down"),
        "mirror.test": UnreachedError("down too"),
        "ghcr.io": RegistryError("denied"),
    }

    def ask(place: Reference) -> str:
        asked.append(place.host)
        if place.host in answers:
            raise answers[place.host]
        return place.host

    assert first_that_answers(parse_reference("alpine"), ask) == "second.test"
    with pytest.raises(RegistryError, match="denied"):
        first_that_answers(parse_reference("ghcr.io/shop/orders:1"), ask)
    assert asked == ["docker.io", "mirror.test", "second.test", "ghcr.io"]
