"""Which images `keelway init` sees in a repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keelway.survey.decide import decide
from tests.support.surveyed import PLAIN, drafted, looked

if TYPE_CHECKING:
    from pathlib import Path


def test_one_dockerfile_is_the_project(tmp_path: Path) -> None:
    folder = tmp_path / "My Shop"
    folder.mkdir()
    draft = drafted(folder, {"Dockerfile": PLAIN})
    (image,) = draft.images
    assert (draft.name, image.name, image.context, image.dockerfile) == (
        "my-shop",
        "my-shop",
        ".",
        "Dockerfile",
    )
    assert image.platforms == ("linux/amd64",)


def test_several_dockerfiles_are_several_images(tmp_path: Path) -> None:
    draft = drafted(
        tmp_path,
        {
            "services/api/Dockerfile": "FROM debian:12\nCOPY main.py /\n",
            "services/api/main.py": "",
            # What it copies is only there from the top.
            "services/web/Dockerfile": "FROM debian:12\nCOPY services/web/index.html /\n",
            "services/web/index.html": "",
            "Dockerfile.worker": PLAIN,
        },
    )
    assert {image.name: (image.context, image.dockerfile) for image in draft.images} == {
        "worker": (".", "Dockerfile.worker"),
        "api": ("services/api", "Dockerfile"),
        "web": (".", "services/web/Dockerfile"),
    }


def test_images_of_the_same_name_are_told_apart(tmp_path: Path) -> None:
    draft = drafted(tmp_path, {"a/api/Dockerfile": PLAIN, "b/api/Dockerfile": PLAIN})
    assert [image.name for image in draft.images] == ["api", "api-2"]


def test_dockerfiles_of_tests_and_examples_are_left_out_and_said(tmp_path: Path) -> None:
    draft = drafted(
        tmp_path,
        {
            "Dockerfile": PLAIN,
            "tests/assets/Dockerfile": PLAIN,
            "examples/x/Dockerfile": PLAIN,
            "node_modules/x/Dockerfile": PLAIN,
            ".venv/Dockerfile": PLAIN,
            "Dockerfile.bak": PLAIN,
        },
    )
    assert len(draft.images) == 1
    assert [note.partition(" is no image")[0] for note in draft.notes] == [
        "examples/x/Dockerfile",
        "tests/assets/Dockerfile",
    ]


def test_a_dockerfile_that_cannot_be_read_is_said_with_its_line(tmp_path: Path) -> None:
    draft = drafted(tmp_path, {"Dockerfile": PLAIN, "api/Dockerfile": "FORM debian\n"})
    assert [image.dockerfile for image in draft.images] == ["Dockerfile"]
    (note,) = draft.notes
    assert note.startswith("api/Dockerfile is no image here: ")
    assert "FORM" in note


@pytest.mark.parametrize(
    ("stages", "released"),
    [
        (["build", "runtime"], "runtime"),
        (["base", "production", "development"], "production"),
        (["base", "server", "test"], "server"),
        (["test"], "test"),
    ],
)
def test_the_stage_that_is_released(tmp_path: Path, stages: list[str], released: str) -> None:
    text = "".join(f"FROM debian:12 AS {name}\n" for name in stages)
    (image,) = drafted(tmp_path, {"Dockerfile": text}).images
    assert image.target == released


def test_what_compose_builds_gives_names_arguments_and_targets(tmp_path: Path) -> None:
    draft = drafted(
        tmp_path,
        {
            "Dockerfile": "ARG V\nFROM debian:12 AS api\nFROM api AS worker\n",
            "compose.yaml": """\
                services:
                  shop:
                    build: {context: ., target: api, args: {V: "1", W: "${FROM_OUTSIDE}"}}
                  jobs:
                    image: ghcr.io/acme/jobs:latest
                    build: {context: ., target: worker, platforms: [linux/amd64, linux/arm64]}
                  db:
                    image: postgres:17
                  tests:
                    build: ./tests
                    profiles: [test]
                """,
            "tests/Dockerfile": PLAIN,
        },
    )
    assert {image.name: image.target for image in draft.images} == {
        "shop": "api",
        "jobs": "worker",
    }
    shop, jobs = draft.images
    assert shop.build_args == {"V": "1"}
    assert jobs.platforms == ("linux/amd64", "linux/arm64")
    assert draft.suites == (("tests", "compose.yaml"),)


def test_a_stage_for_developing_is_not_released_and_it_is_said(tmp_path: Path) -> None:
    draft = drafted(
        tmp_path,
        {
            "Dockerfile": "FROM debian:12 AS dev\nFROM debian:12 AS runtime\n",
            "compose.yml": "services: {shop: {build: {context: ., target: dev}}}\n",
        },
    )
    assert [image.target for image in draft.images] == ["runtime"]
    (note,) = draft.notes
    assert note == (
        "compose.yml, service shop builds the stage 'dev' of Dockerfile, which by its name is not "
        "what is released: 'runtime' is taken"
    )


def test_platforms_that_contradict_each_other_are_said(tmp_path: Path) -> None:
    draft = drafted(
        tmp_path,
        {
            "Dockerfile": PLAIN,
            "compose.yaml": "services: {shop: {build: ., platform: linux/amd64}}\n",
            ".gitlab-ci.yml": "x: {script: docker buildx build --platform linux/amd64,linux/s390x}",
        },
    )
    assert draft.images[0].platforms == ("linux/amd64", "linux/s390x")
    different, foreign = draft.notes
    assert different == (
        "shop is built for different platforms: linux/amd64 (compose.yaml, service shop); "
        "linux/amd64, linux/s390x (.gitlab-ci.yml); the most are taken"
    )
    assert "shop is built for linux/s390x, whose programs do not run here" in foreign


def test_what_a_workflow_builds_and_how_it_tags(tmp_path: Path) -> None:
    draft = drafted(
        tmp_path,
        {
            "docker/app.Dockerfile": PLAIN,
            ".github/workflows/release.yml": """\
                on: push
                jobs:
                  image:
                    steps:
                      - uses: docker/metadata-action@v6
                        with:
                          images: ghcr.io/${{ github.repository }}
                          tags: |
                            type=semver,pattern={{version}}
                            type=raw,value=${{ github.run_id }}
                            type=sha
                      - uses: docker/build-push-action@v7
                        with:
                          context: .
                          file: docker/app.Dockerfile
                          platforms: linux/amd64,linux/arm64
                """,
        },
        remote="git@github.com:Acme/Shop.git",
    )
    (image,) = draft.images
    assert (image.name, image.context, image.dockerfile) == ("shop", ".", "docker/app.Dockerfile")
    assert image.platforms == ("linux/amd64", "linux/arm64")
    assert draft.rules == ("type=semver,pattern={{version}}", "type=sha")
    assert "the tag rule 'type=raw,value=${{ github.run_id }}' is left out" in draft.notes[0]
    assert [(one.url, one.active) for one in draft.registries] == [("ghcr.io/acme", False)]


def test_what_cannot_be_known_is_said(tmp_path: Path) -> None:
    draft = drafted(
        tmp_path,
        {
            "Dockerfile": "ARG BASE\nFROM ${BASE}\nCOPY missing.txt /\n"
            "RUN --mount=type=secret,id=npm-token true\n",
            "compose.yaml": "services: {other: {build: {context: 'https://example.org/x.git'}}}\n",
            "docker-compose.yml": "services: [\n",
        },
    )
    assert draft.notes == (
        "Dockerfile:2: FROM ${BASE} is empty until BASE is given under build_args",
        "compose.yaml, service other: it is built from elsewhere (https://example.org/x.git)",
        "docker-compose.yml: it is no YAML that can be read, line 2",
        "Dockerfile copies missing.txt, which no folder around it has",
    )
    (hint,) = draft.images[0].hints
    assert hint == 'secrets = [{ id = "npm-token", source = "env://NPM_TOKEN" }]'


def test_what_languages_say_of_the_project(tmp_path: Path) -> None:
    draft = drafted(
        tmp_path,
        {
            "Dockerfile": PLAIN,
            "package.json": '{"name": "@acme/Shop", "description": "Sells\\nthings", '
            '"license": "MIT"}',
            "pyproject.toml": "broken = [",
        },
    )
    assert (draft.name, draft.description, draft.licenses) == ("shop", "Sells things", "MIT")


def test_a_missing_dockerignore_is_said(tmp_path: Path) -> None:
    (note,) = decide(looked(tmp_path, {"Dockerfile": PLAIN}, ignores=False)).notes
    assert note.startswith("Dockerfile has no .dockerignore: all of . is sent to its build")


def test_a_workflow_of_aliases_ends(tmp_path: Path) -> None:
    laughs = ["a0: &a0 {uses: docker/build-push-action@v7}"]
    laughs += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    itself = "itself: &itself [*itself]"
    (image,) = drafted(
        tmp_path,
        {
            "Dockerfile": PLAIN,
            ".github/workflows/x.yml": "\n".join([*laughs, itself]),
            ".github/workflows/y.yml": "a: &a\n  b: *a\n",
        },
    ).images
    assert image.comments[0] == ("Dockerfile: .github/workflows/x.yml, docker/build-push-action.")
