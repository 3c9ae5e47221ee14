"""Where an engine gets local files from: the machine of its client, or a checkout that it has."""

from pathlib import Path

import dagger
import pytest

from keelway import Run
from keelway._local_files import local_directory, local_file
from keelway._secrets import read_secret
from keelway.errors import PlanError
from keelway.model.checkout import Checkout
from tests.support.recording import RecordingEngine


async def contents(engine: RecordingEngine, file: dagger.File) -> str:
    engine.answer("contents", "")
    await file.contents()
    return engine.asked("contents")[-1].text


async def test_paths_are_read_from_the_host_unless_a_checkout_holds_them(tmp_path: Path) -> None:
    engine = RecordingEngine()
    async with engine.connect() as client:
        run = Run(client)
        inside = str(tmp_path / "a" / "b")
        asked = await contents(engine, local_file(run, inside))
        assert asked == f"host.file(path: '{inside}').contents"

        held = Run(
            client, checkout=Checkout(root=tmp_path, directory=client.git("g").head().tree())
        )
        asked = await contents(engine, local_file(held, inside))
        assert asked == "git(url: 'g').head.tree.file(path: 'a/b').contents"
        asked = await contents(engine, local_directory(held, tmp_path).file("x"))
        assert asked == "git(url: 'g').head.tree.file(path: 'x').contents"
        asked = await contents(engine, local_directory(held, inside, exclude=["*.log"]).file("x"))
        source = "<git(url: 'g').head.tree.directory(path: 'a/b')>"
        assert asked == (
            f"directory.withDirectory(path: '.', source: {source}, exclude: ['*.log'])"
            ".file(path: 'x').contents"
        )
        asked = await contents(engine, local_file(held, "/etc/hosts"))
        assert asked == "host.file(path: '/etc/hosts').contents"


async def test_a_module_without_a_host_says_what_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (owner,) = [one for one in dagger.Client.__mro__ if "host" in vars(one)]
    async with RecordingEngine().connect() as client:
        monkeypatch.delattr(owner, "host")
        held = Run(client, checkout=Checkout(root=tmp_path, directory=client.directory()))
        with pytest.raises(PlanError, match="it is not in the source directory") as caught:
            _ = local_file(held, "/usr/bin/trivy")
    assert "next: put it into the source directory" in caught.value.diagnostics()


async def test_a_given_secret_stands_for_the_variable_of_its_name() -> None:
    engine = RecordingEngine()
    engine.answer("plaintext", "value")
    async with engine.connect() as client:
        run = Run(client, secrets={"TOKEN": client.set_secret("own", "value")})
        for source in ("env://TOKEN", "env://OTHER"):
            await read_secret(run, source, stage="build", what="the token")
    given, other = engine.asked("plaintext")
    assert given.text == "setSecret(name: 'own', plaintext: 'value').plaintext"
    assert other.text == "secret(uri: 'env://OTHER').plaintext"
