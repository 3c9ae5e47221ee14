"""The host's own authorities are trusted while a command runs, and leave no trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keelway.engine.run import certs
from keelway.engine.run.inroot import Root
from keelway.engine.run.overlay import mount_overlay
from tests.unit.engine.run.sandboxed import in_sandbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from keelway.engine.run.enter import Sandbox

OWN = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
EXTRA = b"-----BEGIN CERTIFICATE-----\nEXTRA\n-----END CERTIFICATE-----\n"
BUNDLE = "etc/ssl/certs/ca-certificates.crt"


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(certs, "host_certificates", lambda: (EXTRA,))
    layer = tmp_path / "image"
    (layer / "etc/ssl/certs").mkdir(parents=True)
    (layer / BUNDLE).write_bytes(OWN)
    (layer / "etc/ssl/cert.pem").symlink_to("certs/ca-certificates.crt")
    return layer


def upper_after(image: Path, change: Callable[[Path], object]) -> dict[str, bytes]:
    """Return the files of the upper when a command did something to the bundle."""

    def work(sandbox: Sandbox) -> dict[str, bytes]:
        upper, work, target = (sandbox.state_dir / name for name in ("u", "w", "t"))
        for path in (upper, work, target):
            path.mkdir()
        with mount_overlay([image], upper=upper, work=work, target=target):
            with Root(target) as root:
                installed = certs.install(root)
            assert (target / BUNDLE).read_bytes() == OWN + EXTRA
            assert (target / "etc/ssl/cert.pem").read_bytes() == OWN + EXTRA
            change(target / BUNDLE)
        installed.remove(upper)
        return {
            str(path.relative_to(upper)): path.read_bytes() if path.is_file() else b""
            for path in upper.rglob("*")
        }

    return in_sandbox(work)


def test_no_trace_is_left(image: Path) -> None:
    assert upper_after(image, lambda _: None) == {}


def test_what_the_command_added_stays_without_ours(image: Path) -> None:
    def append(bundle: Path) -> None:
        with bundle.open("ab") as file:
            file.write(b"MINE\n")

    assert upper_after(image, append)[BUNDLE] == OWN + b"MINE\n"


def test_a_rewritten_bundle_stays_as_it_is(image: Path) -> None:
    def renew(bundle: Path) -> None:
        new = bundle.with_name("new")
        new.write_bytes(b"ALL NEW\n")
        new.rename(bundle)  # as update-ca-certificates does; a mount would forbid it

    assert upper_after(image, renew)[BUNDLE] == b"ALL NEW\n"


def test_an_image_without_a_bundle_gets_none(image: Path, tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    with Root(tmp_path / "bare") as root:
        assert certs.install(root) == certs.Installed()
    assert image.exists()
    assert list((tmp_path / "bare").iterdir()) == []


def test_one_that_is_there_already_is_not_added(image: Path) -> None:
    (image / BUNDLE).write_bytes(OWN + EXTRA)
    with Root(image) as root:
        assert certs.install(root) == certs.Installed()
    assert (image / BUNDLE).read_bytes() == OWN + EXTRA
