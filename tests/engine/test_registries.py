"""Forms of images in registries, and logins."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import anyio
import dagger
import pytest

from tests.support.missing import need
from tests.support.shell import output, settle

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engine.conftest import NewSession
    from tests.support.engines import Engine
    from tests.support.registry import Registry
    from tests.support.sample_images import SampleImages

FORMS = {
    "docker-types": ["--format", "v2s2", "--all"],
    "zstd-layers": ["--dest-compress-format", "zstd", "--all"],
    "one-platform": ["--format", "oci"],
}


async def copied(source: str, target: str, words: list[str]) -> None:
    """Copy an image by skopeo with more options."""
    skopeo = need("skopeo", package="skopeo")
    plain = ["--src-tls-verify=false", "--dest-tls-verify=false"]
    await anyio.run_process([skopeo, "copy", "-q", *plain, *words, source, target])


@pytest.mark.parametrize("form", FORMS)
async def test_images_of_every_form_are_pulled_and_run(
    dag: dagger.Client, samples: SampleImages, registry: Registry, nonce: str, form: str
) -> None:
    address = f"{registry.address}/forms/{nonce[:12]}:1"
    await copied(f"docker://{samples.configured}", f"docker://{address}", FORMS[form])
    ready = dag.container().from_(address)
    assert await ready.label("kind") == "configured"
    assert await output(ready, "cat /srv/kept.txt; ls /srv/sub") == "kept\nnew.txt\n"


async def test_single_foreign_image_is_taken_when_no_platform_was_asked_for(
    dag: dagger.Client, samples: SampleImages, registry: Registry, nonce: str
) -> None:
    foreign = "arm64" if await dag.default_platform() == "linux/amd64" else "amd64"
    address = f"{registry.address}/foreign/{nonce[:12]}:1"
    await copied(
        f"docker://{samples.busybox}",
        f"docker://{address}",
        ["--override-arch", foreign, "--format", "oci"],
    )
    pulled = dag.container().from_(address)
    assert await pulled.platform() == f"linux/{foreign}"
    assert await pulled.exists("/bin/busybox") is True


async def test_pulled_layers_of_any_form_are_pushed_as_they_were(
    dag: dagger.Client, samples: SampleImages, registry: Registry, nonce: str
) -> None:
    source = f"{registry.address}/zstd/{nonce[:12]}:1"
    await copied(f"docker://{samples.busybox}", f"docker://{source}", FORMS["zstd-layers"][:2])
    target = f"{registry.address}/zstd-copy/{nonce[:12]}:1"
    await dag.container().from_(source).with_label("l", "v").publish(target)
    before, after = registry.manifest(source)[1], registry.manifest(target)[1]
    assert [one["digest"] for one in after["layers"]] == [one["digest"] for one in before["layers"]]


async def private(samples: SampleImages, closed: Registry, nonce: str) -> str:
    """Push an image to the closed registry, by its account."""
    account = closed.account
    assert account is not None
    address = f"{closed.address}/private/{nonce[:12]}:1"
    words = ["--dest-creds", ":".join(account)]
    await copied(f"docker://{samples.busybox}", f"docker://{address}", words)
    return address


async def test_login_opens_a_closed_registry_for_the_whole_session(
    new_session: NewSession, samples: SampleImages, closed_registry: Registry, nonce: str
) -> None:
    address = await private(samples, closed_registry, nonce)
    client = await new_session()
    account = closed_registry.account
    assert account is not None
    with pytest.raises(dagger.QueryError, match=r"127\.0\.0\.1"):
        await settle(client.container().from_(address))
    secret = client.set_secret("registry", account[1])
    login = client.container().with_registry_auth(closed_registry.address, account[0], secret)
    assert await login.from_(address).exists("/bin/sh") is True
    assert await client.container().from_(address).exists("/bin/sh") is True


async def test_wrong_password_is_refused_and_not_shown(
    new_session: NewSession, samples: SampleImages, closed_registry: Registry, nonce: str
) -> None:
    address = await private(samples, closed_registry, nonce)
    client = await new_session()
    secret = client.set_secret("registry", "wrong-password-value")
    login = client.container().with_registry_auth(closed_registry.address, "ci", secret)
    with pytest.raises(dagger.QueryError, match=closed_registry.address) as caught:
        await settle(login.from_(address))
    assert "wrong-password-value" not in str(caught.value)


async def test_login_of_the_users_docker_config_is_used(
    new_session: NewSession,
    engine: Engine,
    samples: SampleImages,
    closed_registry: Registry,
    tmp_path: Path,
    nonce: str,
) -> None:
    address = await private(samples, closed_registry, nonce)
    account = closed_registry.account
    assert account is not None
    token = base64.b64encode(":".join(account).encode()).decode()
    (tmp_path / "config.json").write_text(
        json.dumps({"auths": {closed_registry.address: {"auth": token}}})
    )
    client = await new_session(engine.with_environment(DOCKER_CONFIG=str(tmp_path)))
    assert await client.container().from_(address).exists("/bin/sh") is True


async def test_password_is_not_left_in_the_store(
    engine: Engine,
    samples: SampleImages,
    closed_registry: Registry,
    new_session: NewSession,
    nonce: str,
) -> None:
    engine.require_local()
    address = await private(samples, closed_registry, nonce)
    account = closed_registry.account
    assert account is not None
    client = await new_session()
    secret = client.set_secret("registry", account[1])
    login = client.container().with_registry_auth(closed_registry.address, account[0], secret)
    await settle(login.from_(address))
    token = base64.b64encode(":".join(account).encode()).decode()
    for needle in (account[1], token):
        words = ["grep", "-rlaF", needle, engine.environment["KEELWAY_STORE"]]
        found = await anyio.run_process(words, check=False)
        assert found.stdout == b""
