"""Mounts, secrets and networks of RUN."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import dagger
import pytest

from tests.support.contexts import context
from tests.support.shell import output, settle

if TYPE_CHECKING:
    from tests.support.sample_images import SampleImages


async def test_secret_is_mounted_by_its_name_and_leaves_no_file(
    dag: dagger.Client, samples: SampleImages, nonce: str
) -> None:
    secret = dag.set_secret(nonce, "build-secret-value")
    text = f"""\
        FROM BASE
        RUN --mount=type=secret,id={nonce} wc -c < /run/secrets/{nonce} > /length
        RUN ls -A /run 2>/dev/null | wc -l > /left
        """
    built = context(dag, text, base=samples.busybox).docker_build(secrets=[secret])
    assert await built.file("/length").contents() == "18\n"
    assert await built.file("/left").contents() == "0\n"
    assert await built.rootfs().exists(f"run/secrets/{nonce}") is False


async def test_secret_takes_target_mode_owner_and_variable(
    dag: dagger.Client, samples: SampleImages, nonce: str
) -> None:
    secret = dag.set_secret(nonce, "build-secret-value")
    text = f"""\
        FROM BASE
        RUN --mount=type=secret,id={nonce},target=/token,mode=0440,uid=1000,gid=50 \\
            stat -c '%a %u:%g' /token > /stat
        RUN --mount=type=secret,id={nonce},env=TOKEN test "$TOKEN" = build-secret-value
        """
    built = context(dag, text, base=samples.busybox).docker_build(secrets=[secret])
    assert await built.file("/stat").contents() == "440 1000:50\n"


async def test_secret_in_a_failing_step_is_scrubbed(
    dag: dagger.Client, samples: SampleImages, nonce: str
) -> None:
    secret = dag.set_secret(nonce, "build-secret-value")
    text = f"FROM BASE\nRUN --mount=type=secret,id={nonce} cat /run/secrets/{nonce} >&2; exit 1\n"
    with pytest.raises(dagger.ExecError) as caught:
        await settle(context(dag, text, base=samples.busybox).docker_build(secrets=[secret]))
    assert caught.value.stderr == "***"


async def test_required_secret_that_is_missing_is_an_error(
    dag: dagger.Client, samples: SampleImages
) -> None:
    text = "FROM BASE\nRUN --mount=type=secret,id=absent,required=true true\n"
    with pytest.raises(
        dagger.QueryError,
        match='secret "absent" is required but no secret mappings were provided',
    ):
        await settle(context(dag, text, base=samples.busybox).docker_build())


async def test_optional_secret_may_be_missing(dag: dagger.Client, samples: SampleImages) -> None:
    text = "FROM BASE\nRUN --mount=type=secret,id=absent ls /run/secrets/absent || echo no > /no\n"
    built = context(dag, text, base=samples.busybox).docker_build()
    assert await built.file("/no").contents() == "no\n"


async def test_given_secrets_stay_for_later_execs_and_are_scrubbed(
    dag: dagger.Client, samples: SampleImages, nonce: str
) -> None:
    secret = dag.set_secret(nonce, "build-secret-value")
    text = f"FROM BASE\nRUN --mount=type=secret,id={nonce} true\n"
    built = context(dag, text, base=samples.busybox).docker_build(secrets=[secret])
    assert await output(built, f"cat /run/secrets/{nonce}; echo") == "***\n"


async def test_cache_mount_is_kept_between_builds_and_not_in_the_image(
    dag: dagger.Client, samples: SampleImages, nonce: str
) -> None:
    mount = f"--mount=type=cache,id={nonce},target=/cache"
    first = f"FROM BASE\nRUN {mount} echo kept > /cache/f\n"
    second = f"FROM BASE\nRUN {mount} cp /cache/f /copied\n"
    built = context(dag, first, base=samples.busybox).docker_build()
    assert await built.exists("/cache/f") is False
    again = context(dag, second, base=samples.busybox).docker_build()
    assert await again.file("/copied").contents() == "kept\n"


async def test_cache_mount_takes_owner_and_mode(
    dag: dagger.Client, samples: SampleImages, nonce: str
) -> None:
    text = f"""\
        FROM BASE
        RUN --mount=type=cache,id={nonce},target=/c,uid=1000,gid=50,mode=0700 \\
            stat -c '%a %u:%g' /c > /stat
        """
    built = context(dag, text, base=samples.busybox).docker_build()
    assert await built.file("/stat").contents() == "700 1000:50\n"


async def test_bind_mount_shows_the_context_and_stages(
    dag: dagger.Client, samples: SampleImages
) -> None:
    text = """\
        FROM BASE AS other
        RUN echo other > /from-stage
        FROM BASE
        RUN --mount=type=bind,source=f,target=/f --mount=type=bind,from=other,target=/o \\
            cat /f /o/from-stage > /both
        RUN --mount=target=/ctx touch /ctx/new 2>/dev/null || echo read-only > /ro
        """
    built = context(dag, text, {"f": "file\n"}, base=samples.busybox).docker_build()
    assert await built.file("/both").contents() == "file\nother\n"
    assert await built.file("/ro").contents() == "read-only\n"
    assert await built.exists("/o") is False


async def test_writable_bind_mount_discards_its_writes(
    dag: dagger.Client, samples: SampleImages
) -> None:
    text = """\
        FROM BASE
        RUN --mount=type=bind,target=/ctx,rw echo x > /ctx/new && ls /ctx > /listed
        RUN --mount=type=bind,target=/ctx ls /ctx > /after
        """
    built = context(dag, text, base=samples.busybox).docker_build()
    assert await built.file("/listed").contents() == "Dockerfile\nnew\n"
    assert await built.file("/after").contents() == "Dockerfile\n"


async def test_tmpfs_mount_is_empty_and_gone_afterwards(
    dag: dagger.Client, samples: SampleImages
) -> None:
    text = "FROM BASE\nRUN --mount=type=tmpfs,target=/t ls -A /t | wc -l > /n && touch /t/x\n"
    built = context(dag, text, base=samples.busybox).docker_build()
    assert await built.file("/n").contents() == "0\n"
    assert await built.exists("/t/x") is False


async def test_network_none_has_only_the_loopback(
    dag: dagger.Client, samples: SampleImages
) -> None:
    text = "FROM BASE\nRUN --network=none ls /sys/class/net > /interfaces\n"
    built = context(dag, text, base=samples.busybox).docker_build()
    assert await built.file("/interfaces").contents() == "lo\n"


async def test_network_host_is_the_engines_and_not_this_machines(
    dag: dagger.Client, samples: SampleImages, local_only: None
) -> None:
    del local_only
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        text = f"""\
            FROM BASE
            RUN --network=host ls /sys/class/net > /interfaces; \\
                nc -w 1 127.0.0.1 {port} < /dev/null || echo refused > /answer
            """
        built = context(dag, text, base=samples.busybox).docker_build()
        assert await built.file("/answer").contents() == "refused\n"
        assert "eth0" in await built.file("/interfaces").contents()
