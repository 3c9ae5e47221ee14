"""The standard labels."""

from keelway.tags.labels import rfc3339, standard_labels


def test_only_what_is_known_is_labelled_in_a_fixed_order() -> None:
    labels = standard_labels(
        {"title": "orders", "source": None, "licenses": "Apache-2.0"},
        version="1.2.3",
        revision="abc",
        epoch=1_700_000_000,
    )
    assert list(labels.items()) == [
        ("org.opencontainers.image.created", "2023-11-14T22:13:20Z"),
        ("org.opencontainers.image.licenses", "Apache-2.0"),
        ("org.opencontainers.image.revision", "abc"),
        ("org.opencontainers.image.title", "orders"),
        ("org.opencontainers.image.version", "1.2.3"),
    ]


def test_created_is_never_the_clock() -> None:
    assert standard_labels({}) == {}
    assert rfc3339(0) == "1970-01-01T00:00:00Z"
