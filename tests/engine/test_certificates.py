"""The authorities that this machine trusts besides the usual ones are trusted in containers too."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.engines import Engine, Kind
from tests.support.shell import output, shell

if TYPE_CHECKING:
    import dagger

HOST_FOLDER = Path("/usr/local/share/ca-certificates")
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


@pytest.fixture
def line(engine: Engine) -> str:
    """A line that only a certificate of this machine has."""
    if engine.kind is not Kind.LOCAL:
        pytest.skip("the certificates of another machine's engine are not known here")
    for path in sorted(HOST_FOLDER.rglob("*.crt")):
        return path.read_text().strip().splitlines()[-2]
    pytest.skip(f"this machine adds no certificates ({HOST_FOLDER} has none)")


@pytest.fixture
def trusting(base: dagger.Container) -> dagger.Container:
    """A container with a bundle of its own."""
    return base.with_new_file(BUNDLE, "the image's own\n")


async def test_commands_see_the_hosts_certificates_after_the_images_own(
    trusting: dagger.Container, line: str
) -> None:
    text = await output(trusting, f"cat {BUNDLE}")
    assert text.startswith("the image's own\n")
    assert line in text


async def test_image_keeps_its_own_bundle(trusting: dagger.Container, line: str) -> None:
    done = shell(trusting, f"cat {BUNDLE} > /dev/null; echo x > /made")
    assert await done.file(BUNDLE).contents() == "the image's own\n"
    assert await trusting.rootfs().diff(done.rootfs()).glob("**/*") == ["made"]
    assert line


async def test_bundle_that_a_command_rewrites_keeps_only_what_it_wrote(
    trusting: dagger.Container, line: str
) -> None:
    done = shell(trusting, f"echo added >> {BUNDLE}")
    text = await done.file(BUNDLE).contents()
    assert line not in text
    assert text == "the image's own\nadded\n"


async def test_image_without_a_bundle_gets_none(base: dagger.Container, line: str) -> None:
    done = shell(base, f"test -e {BUNDLE} && echo there; true")
    assert await done.stdout() == ""
    assert await done.exists(BUNDLE) is False
    assert line
