"""Containers from a registry: what `from` takes over, merges, replaces, and says when it fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagger
import pytest

from tests.support.sample_images import SampleImages, copy_image
from tests.support.shell import settle

if TYPE_CHECKING:
    from tests.engine.conftest import NewSession
    from tests.support.registry import Registry


@pytest.fixture
def configured(dag: dagger.Client, samples: SampleImages) -> dagger.Container:
    """A container from the image that carries every setting."""
    return dag.container().from_(samples.configured)


async def test_image_settings_are_taken_over(configured: dagger.Container) -> None:
    assert await configured.entrypoint() == ["/bin/echo", "entry"]
    assert await configured.default_args() == ["cmd-a", "cmd-b"]
    assert await configured.user() == "app"
    assert await configured.workdir() == "/srv"
    assert await configured.env_variable("ORIGIN") == "image"
    assert await configured.label("kind") == "configured"


async def test_image_ports_are_listed(configured: dagger.Container) -> None:
    ports = await configured.exposed_ports()
    assert {(await one.port(), (await one.protocol()).value) for one in ports} == {
        (8080, "TCP"),
        (5353, "UDP"),
    }


async def test_whiteouts_and_opaque_folders_of_the_image_count(
    configured: dagger.Container,
) -> None:
    assert await configured.directory(".").glob("**/*") == ["kept.txt", "sub/", "sub/new.txt"]


async def test_owners_of_image_files_are_kept(configured: dagger.Container) -> None:
    done = configured.with_exec(["stat", "-c", "%u:%g", "/srv", "/srv/kept.txt"])
    assert await done.stdout() == "1000:1000\n0:0\n"


async def test_image_variables_and_labels_win_over_earlier_ones(
    dag: dagger.Client, samples: SampleImages
) -> None:
    merged = (
        dag.container()
        .with_env_variable("SHARED", "mine")
        .with_env_variable("MINE", "kept")
        .with_label("shared", "mine")
        .with_label("mine", "kept")
        .with_exposed_port(9000)
        .from_(samples.configured)
    )
    assert await merged.env_variable("SHARED") == "image"
    assert await merged.env_variable("MINE") == "kept"
    assert await merged.label("shared") == "image"
    assert await merged.label("mine") == "kept"
    assert {await one.port() for one in await merged.exposed_ports()} == {8080, 5353, 9000}


async def test_other_settings_are_replaced_by_the_images(
    dag: dagger.Client, samples: SampleImages
) -> None:
    replaced = (
        dag.container()
        .with_user("root")
        .with_workdir("/elsewhere")
        .with_entrypoint(["/mine"])
        .with_default_args(["mine"])
        .from_(samples.configured)
    )
    assert await replaced.user() == "app"
    assert await replaced.workdir() == "/srv"
    assert await replaced.entrypoint() == ["/bin/echo", "entry"]
    assert await replaced.default_args() == ["cmd-a", "cmd-b"]


async def test_mounts_and_secrets_survive_from(
    dag: dagger.Client, samples: SampleImages, nonce: str
) -> None:
    kept = (
        dag.container()
        .with_mounted_directory("/mnt", dag.directory().with_new_file("f", "mounted"))
        .with_secret_variable("TOKEN", dag.set_secret(nonce, "hidden-value"))
        .from_(samples.busybox)
    )
    done = kept.with_exec(["sh", "-c", 'cat /mnt/f; test "$TOKEN" = hidden-value && echo +'])
    assert await done.stdout() == "mounted+\n"


async def test_files_of_the_scratch_before_are_replaced(
    dag: dagger.Client, samples: SampleImages
) -> None:
    done = dag.container().with_new_file("/before", "x").from_(samples.busybox)
    assert await done.exists("/before") is False


async def test_image_ref_is_name_tag_and_digest(
    dag: dagger.Client, samples: SampleImages, registry: Registry
) -> None:
    reference = await dag.container().from_(samples.busybox).image_ref()
    name, _, digest = reference.partition("@")
    assert name == samples.busybox
    assert registry.manifest(f"{name}@{digest}")[0] == digest


async def test_image_by_digest_is_the_same_image(
    dag: dagger.Client, samples: SampleImages, registry: Registry
) -> None:
    digest, _ = registry.manifest(samples.configured)
    address = f"{samples.configured.rpartition(':')[0]}@{digest}"
    assert await dag.container().from_(address).label("kind") == "configured"


async def test_image_ref_after_a_change_is_an_error(configured: dagger.Container) -> None:
    with pytest.raises(
        dagger.QueryError, match="Image reference can only be retrieved immediately after"
    ):
        await configured.with_env_variable("A", "1").image_ref()


async def test_tag_defaults_to_latest(
    new_session: NewSession, samples: SampleImages, registry: Registry
) -> None:
    dag = await new_session()  # no other name of the image was seen there
    address = f"{registry.address}/test/untagged"
    copy_image(f"docker://{samples.busybox}", f"docker://{address}:latest")
    reference = await dag.container().from_(address).image_ref()
    assert reference.startswith(f"{address}:latest@sha256:")


async def test_tag_is_resolved_once_in_a_session(
    dag: dagger.Client, samples: SampleImages, registry: Registry
) -> None:
    address = f"{registry.address}/test/moving:1"
    copy_image(f"docker://{samples.busybox}", f"docker://{address}")
    first = await dag.container().from_(address).image_ref()
    copy_image(f"docker://{samples.configured}", f"docker://{address}")
    assert await dag.container().from_(address).image_ref() == first


async def test_platform_chooses_the_image_and_is_normalised(
    dag: dagger.Client, samples: SampleImages
) -> None:
    arm = dag.container(platform=dagger.Platform("linux/arm64/v8"))
    assert await arm.platform() == "linux/arm64/v8"
    assert await arm.from_(samples.busybox).platform() == "linux/arm64"


async def test_foreign_files_are_read_without_running_them(
    dag: dagger.Client, samples: SampleImages
) -> None:
    sizes = {
        await dag.container(platform=dagger.Platform(f"linux/{name}"))
        .from_(samples.busybox)
        .file("/bin/busybox")
        .size()
        for name in ("amd64", "arm64")
    }
    assert len(sizes) == 2


async def test_platform_that_the_image_lacks_is_an_error(
    dag: dagger.Client, samples: SampleImages
) -> None:
    with pytest.raises(dagger.QueryError, match="linux/s390x"):
        await settle(dag.container(platform=dagger.Platform("linux/s390x")).from_(samples.busybox))


async def test_missing_tag_is_an_error_that_names_the_reference(
    dag: dagger.Client, registry: Registry
) -> None:
    address = f"{registry.address}/test/busybox:no-such-tag"
    platform = await dag.default_platform()
    with pytest.raises(dagger.QueryError, match="not found") as caught:
        await settle(dag.container().from_(address))
    start = f'failed to resolve image "{address}" (platform: "{platform}"): '
    assert str(caught.value).startswith(start)


async def test_image_that_may_not_be_seen_is_told_of_as_one_that_may_not_be(
    dag: dagger.Client, closed_registry: Registry
) -> None:
    address = f"{closed_registry.address}/test/hidden"
    with pytest.raises(dagger.QueryError, match="pull access denied") as caught:
        await settle(dag.container().from_(address))
    assert f'failed to resolve image "{address}:latest"' in str(caught.value)


async def test_unreachable_registry_is_an_error_that_names_it(dag: dagger.Client) -> None:
    with pytest.raises(dagger.QueryError, match=r"127\.0\.0\.1:1\b"):
        await settle(dag.container().from_("127.0.0.1:1/test/none:1"))


@pytest.mark.parametrize("address", ["127.0.0.1:1/UPPER CASE:::", "", "Busybox", "a@sha256:12"])
async def test_malformed_reference_is_an_error(dag: dagger.Client, address: str) -> None:
    with pytest.raises(dagger.QueryError, match="invalid reference format") as caught:
        await settle(dag.container().from_(address))
    assert str(caught.value).startswith(f"failed to parse image address {address}: ")


async def test_closed_registry_needs_its_account(
    dag: dagger.Client, samples: SampleImages, closed_registry: Registry, nonce: str
) -> None:
    account = closed_registry.account
    assert account is not None
    address = f"{closed_registry.address}/test/private:1"
    source = dag.container().from_(samples.busybox)
    with pytest.raises(dagger.QueryError, match=closed_registry.address.replace(".", r"\.")):
        await source.publish(address)
    secret = dag.set_secret(f"registry-{nonce}", account[1])
    opened = source.with_registry_auth(closed_registry.address, account[0], secret)
    published = await opened.publish(address)
    assert closed_registry.manifest(published)[0] in published
