"""Labels and annotations: their levels, their expressions, and the base image's name."""

import pytest

from keelway.registry.annotating import annotated
from keelway.registry.content import json_object
from keelway.tags.annotations import Annotations, check_text, split_levels
from keelway.tags.labels import base_labels
from keelway.tags.occasion import GitRef, Occasion
from keelway.tags.rules import RuleError

OCCASION = Occasion(ref=GitRef(kind="tag", name="v1"), epoch=0)
DIGEST = "sha256:" + "a" * 64
BASE = "org.opencontainers.image.base"


def test_a_key_may_name_its_levels() -> None:
    written = {
        "a": "{{tag}}",
        "index:b": "2",
        "manifest,manifest-descriptor:c": "{{date 'YYYY'}}",
        "index:x": "own",
    }
    found = split_levels(written, OCCASION, {"x": "standard"}, ("manifest", "index"))
    assert dict(found.manifest) == {"x": "standard", "a": "v1", "c": "1970"}
    assert dict(found.index) == {"x": "own", "b": "2"}
    assert dict(found.descriptor) == {"c": "1970"}


@pytest.mark.parametrize(
    ("key", "text", "words"),
    [
        ("indx:a", "1", "Did you mean 'index'?"),
        ("index,image:a", "1", "'image'. Known: index, manifest, manifest-descriptor"),
        ("a", "{{brunch}}", "unknown expression in the text of a 'brunch'"),
    ],
)
def test_what_is_not_known_is_refused(key: str, text: str, words: str) -> None:
    with pytest.raises(RuleError) as caught:
        check_text(key, text)
    assert words in str(caught.value)


def test_a_text_that_is_not_known_here_names_the_key() -> None:
    with pytest.raises(RuleError, match=r"made = .*neither SOURCE_DATE_EPOCH nor a commit"):
        split_levels({"made": "{{date 'YYYY'}}"}, Occasion())


def test_an_index_keeps_what_it_says_already() -> None:
    index = b'{"annotations":{"z":"0"},"manifests":[{"digest":"d","annotations":{"k":"1"}}]}'
    found = json_object(annotated(index, Annotations(index={"a": "1"}, descriptor={"k": "2"})))
    assert found == {
        "annotations": {"a": "1", "z": "0"},
        "manifests": [{"digest": "d", "annotations": {"k": "2"}}],
    }


@pytest.mark.parametrize(
    ("reference", "resolved", "name", "digest"),
    [
        ("debian:12", DIGEST, "docker.io/library/debian:12", DIGEST),
        ("debian:12", None, "docker.io/library/debian:12", None),
        (f"ghcr.io/a/b:1@{DIGEST}", None, "ghcr.io/a/b:1", DIGEST),
        (f"ghcr.io/a/b@{DIGEST}", "sha256:other", "ghcr.io/a/b", DIGEST),
    ],
)
def test_the_base_is_named_in_full(
    reference: str, resolved: str | None, name: str, digest: str | None
) -> None:
    found = base_labels(reference, resolved)
    assert (found[f"{BASE}.name"], found.get(f"{BASE}.digest")) == (name, digest)


@pytest.mark.parametrize("reference", [None, "", "${UNSET}", "Upper:case"])
def test_what_is_no_reference_names_no_base(reference: str | None) -> None:
    assert base_labels(reference) == {}
