"""`keelway call`: the module's functions, called for real on the local engine."""

from __future__ import annotations

import os
import subprocess
import tarfile
from typing import TYPE_CHECKING

import dagger
import pytest

from keelway._cli.calling import show_call
from tests.support.missing import need

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.support.projects import Outcome, Project
    from tests.support.registry import Registry
    from tests.support.sample_images import SampleImages

CONFIG = """\
[project]
name = "sample"

[images.app]
platforms = ["linux/amd64"]
build_args = {{ BASE = "{base}" }}

[[images.app.secrets]]
id = "greeting"
source = "env://GREETING"

[tags]
rules = ["type=ref,event=tag", "type=raw,value=test"]

[[registries]]
url = "{registry}/{repository}"

[policy.rules]
starts = "off"
hadolint = "off"
healthcheck = "off"

[scan]
enabled = false

[sbom]
enabled = false

[sign]
enabled = true
key = "env://SIGNING_KEY"
transparency_log = false

[attest]
enabled = false
"""
DOCKERFILE = """\
ARG BASE
FROM ${BASE}
WORKDIR /said
RUN --mount=type=secret,id=greeting wc -c < /run/secrets/greeting > length.txt
USER app
"""
WITH_KEY = ("with-secret", "--name=SIGNING_KEY", "--value=file:cosign.key")
WITH_SECRET = ("with-secret", "--name=GREETING", "--value=env:TOKEN", *WITH_KEY)


@pytest.fixture
def called(project: Project, registry: Registry, samples: SampleImages, repository: str) -> Project:
    """A project that functions are called on: quickly built, and pinned to its base."""
    config = CONFIG.format(base=samples.busybox, registry=registry.address, repository=repository)
    project.write({"keelway.toml": config, "Dockerfile": DOCKERFILE})
    project.commit()
    (project.folder / ".git" / "info" / "exclude").write_text("cosign.*\n")
    subprocess.run(
        [need("cosign", package="cosign, by scripts/go-tools"), "generate-key-pair"],
        cwd=project.folder, check=True, capture_output=True,
        env={**os.environ, "COSIGN_PASSWORD": ""},
    )  # fmt: skip
    return project


def call(project: Project, *words: str, variables: Mapping[str, str] | None = None) -> Outcome:
    """Call functions on the local engine, with a secret at hand."""
    more = {"TOKEN": "four", **(variables or {})}
    return project.keelway("call", "--engine=local", *words, **more)


def test_functions_chain_from_the_source_to_a_file_of_the_image(called: Project) -> None:
    """The source is the repository's root without being named; a secret comes by its address."""
    image = (*WITH_SECRET, "build", "container", "--platform=linux/amd64")
    done = call(called, *image, "file", "--path=/said/length.txt", "contents")
    assert (done.code, done.out.strip()) == (0, "4"), done.text()

    failed = call(called, *image, "with-exec", "--args=sh,-c,echo no >&2; exit 9", "stdout")
    assert failed.code == 9, failed.text()
    assert "no" in failed.err

    saved = call(called, *WITH_SECRET, "build", "archive", "-o", "app.tar")
    assert saved.code == 0, saved.text()
    with tarfile.open(called.folder / "app.tar") as archive:
        assert "index.json" in archive.getnames()


def test_variables_are_those_that_were_given_and_data_is_printed_as_json(called: Project) -> None:
    """What a CI says of its job reaches a function only as its argument."""
    from_ci = (
        "--variables=GITHUB_ACTIONS=true,GITHUB_REF=refs/tags/v1.2.3,GITHUB_EVENT_NAME=push",
        "--variables=GITHUB_REPOSITORY=shop/app,KEELWAY_CI=github",
    )
    told = call(called, *from_ci, "tags", "--json")
    assert told.code == 0, told.text()
    assert '"v1.2.3"' in told.out
    alone = call(called, "tags", variables={"GITHUB_REF": "refs/tags/v1.2.3"})
    assert alone.out == "test\n", alone.text()


def test_the_gate_s_answer_is_an_exit_code_or_an_outcome(called: Project) -> None:
    called.write({"Dockerfile": DOCKERFILE.replace("USER app\n", "USER root\n")})
    called.commit()
    refused = call(called, *WITH_SECRET, "verify")
    assert refused.code == 6, refused.text()
    assert "refused: " in refused.err
    assert "Traceback" not in refused.err
    told = call(called, *WITH_SECRET, "verify", "--enforce=false", "exit-code")
    assert (told.code, told.out.strip()) == (0, "6"), told.text()


def test_what_was_built_is_published_and_signed_by_the_next_functions(
    called: Project, registry: Registry, repository: str
) -> None:
    done = call(called, *WITH_SECRET, "build", "publish", "sign", "exit-code")
    assert (done.code, done.out.strip()) == (0, "0"), done.text()
    digest, _ = registry.manifest(f"{repository}/app:test")
    image = f"{registry.address}/{repository}/app:test"
    asked = ("verify-image", f"--image={image}", "--key=cosign.pub", "--signature-only")
    verified = call(called, *asked)
    assert verified.code == 0, verified.text()
    assert digest in verified.out


def test_functions_do_without_a_host_as_they_must_in_a_module(
    called: Project,
    store: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Dagger hides the host from modules: all that a function works on is what it was given."""
    (owner,) = [one for one in dagger.Client.__mro__ if "host" in vars(one)]
    monkeypatch.delattr(owner, "host")
    monkeypatch.chdir(called.folder)
    monkeypatch.setenv("KEELWAY_STORE", str(store))
    monkeypatch.setenv("TOKEN", "four")
    words = ["--engine=local", "--source=.", *WITH_SECRET, "verify", "summary"]
    show_call(words)
    assert "built      app for linux/amd64" in capsys.readouterr().out
