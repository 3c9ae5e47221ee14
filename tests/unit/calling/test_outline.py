"""What may follow in a call that is being typed."""

import pytest

from keelway.calling.outline import Flag, Outline, from_data, module_of, offers, to_data

OUTLINES = {
    (): Outline(
        flags=(Flag(name="source", doc="The project."),),
        functions={"build": "Build it.", "bases": "List them."},
    ),
    ("build",): Outline(
        flags=(
            Flag(name="target", required=True),
            Flag(name="platform", many=True, choices=("amd64", "arm64")),
            Flag(name="dry-run", alone=True),
        ),
        functions={"publish": "Publish it."},
    ),
    ("build", "publish"): Outline(flags=(), functions={}),
}


def offered(*words: str) -> list[str]:
    """Return what the last of the words may become."""
    return [word for word, _ in offers(words[:-1], words[-1], OUTLINES.get)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("",), ["build", "bases"]),
        (("--source", ".", "bas"), ["bases"]),
        (("--source=.", "bas"), ["bases"]),
        (("build", ""), ["--target"]),
        (("build", "--target", ""), []),
        (("build", "--target", "x", ""), ["publish"]),
        (("build", "--platform", "am"), ["amd64"]),
        (("build", "--platform", "amd64", "--p"), ["--platform", "--progress"]),
        (("build", "--dry-run", "--target=x", "--"), [
            "--platform", "--mod", "--output", "--json", "--engine", "--progress", "--help",
        ]),
        (("build", "--engine", ""), ["auto", "local", "dagger"]),
        (("-m", "ci", "--json", "--js"), []),
        (("nothing", ""), []),
        (("build", "--nothing", ""), []),
        (("build", "--target=x", "publish", ""), []),
    ],
)  # fmt: skip
def test_what_may_follow(words: tuple[str, ...], expected: list[str]) -> None:
    assert offered(*words) == expected


def test_each_has_what_it_is_for() -> None:
    assert offers([], "bas", OUTLINES.get) == [("bases", "List them.")]


def test_the_module_is_named_by_either_form() -> None:
    assert module_of(["-m", "ci", "build"]) == "ci"
    assert module_of(["build", "--mod=other"]) == "other"
    assert module_of(["build", "-m"]) is None


def test_it_is_kept_as_json() -> None:
    for outline in OUTLINES.values():
        assert from_data(to_data(outline)) == outline


@pytest.mark.parametrize(
    "other", [None, [], {"flags": 1}, {"flags": [{"what": 1}], "functions": {}}, {"flags": [3]}]
)
def test_what_is_no_outline_is_found_again(other: object) -> None:
    assert from_data(other) is None
