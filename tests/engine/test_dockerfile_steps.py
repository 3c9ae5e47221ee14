"""Steps of Dockerfiles: scripts, caches, arguments, platforms, many stages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagger
import pytest

from tests.support.contexts import context
from tests.support.shell import output, settle

if TYPE_CHECKING:
    from tests.support.sample_images import SampleImages

FILES = {"a.txt": "a", "b.txt": "b"}


async def built(
    dag: dagger.Client, samples: SampleImages, text: str, files: dict[str, str] | None = None
) -> dagger.Container:
    """Build a Dockerfile, in which BASE is busybox."""
    source = context(dag, text, FILES if files is None else files, base=samples.busybox)
    return await source.docker_build().sync()


async def test_script_runs_by_its_own_interpreter(
    dag: dagger.Client, samples: SampleImages
) -> None:
    done = await built(
        dag,
        samples,
        """\
        FROM BASE
        RUN <<EOF
        #!/bin/awk BEGIN { print "awk ran" > "/said"; exit }
        EOF
        RUN cat <<ONE > /one && cat <<"TWO" > /two
        $HOME
        ONE
        $HOME
        TWO
        """,
    )
    assert await output(done, "cat /said /one /two; ls /dev/pipes 2>&1 | wc -l") == (
        "awk ran\n/root\n$HOME\n1\n"
    )


async def test_failing_step_is_named_and_later_steps_do_not_run(
    dag: dagger.Client, samples: SampleImages
) -> None:
    text = "FROM BASE\nRUN echo out; exit 3\nRUN echo never\n"
    with pytest.raises(dagger.ExecError) as caught:
        _ = await built(dag, samples, text)
    assert (caught.value.exit_code, caught.value.stdout) == (3, "out")
    assert caught.value.command[:2] == ["/bin/sh", "-c"]


async def test_cache_is_shared_by_steps_with_other_sharing(
    dag: dagger.Client, samples: SampleImages, nonce: str
) -> None:
    done = await built(
        dag,
        samples,
        f"""\
        FROM BASE AS seed
        RUN mkdir /s && echo seed > /s/f
        FROM BASE
        RUN --mount=type=cache,id={nonce},target=/c echo 1 > /c/f
        RUN --mount=type=cache,id={nonce},target=/d,sharing=locked cp /d/f /first
        RUN --mount=type=cache,id={nonce}-2,target=/c,from=seed,source=/s cp /c/f /second
        """,
    )
    assert await output(done, "cat /first /second") == "1\nseed\n"


async def test_bind_of_an_ignored_file_is_an_error(
    dag: dagger.Client, samples: SampleImages
) -> None:
    files = FILES | {".dockerignore": "b.txt\n"}
    text = "FROM BASE\nRUN --mount=source=a.txt,target=/x cat /x > /y\n"
    assert await output(await built(dag, samples, text, files), "cat /y") == "a"
    with pytest.raises(dagger.QueryError, match=r"Dockerfile:2: .*b\.txt.* not found"):
        _ = await built(dag, samples, text.replace("a.txt", "b.txt"), files)


async def test_argument_changes_only_the_steps_behind_it(
    dag: dagger.Client, samples: SampleImages, nonce: str
) -> None:
    text = f"""\
        FROM BASE
        RUN : {nonce}; head -c 8 /dev/urandom | od -An -tx1 > /before
        ARG V
        RUN head -c 8 /dev/urandom | od -An -tx1 > /behind
        """
    source = context(dag, text, base=samples.busybox)

    async def randoms(value: str) -> tuple[str, str]:
        done = source.docker_build(build_args=[dagger.BuildArg("V", value)])
        return await done.file("/before").contents(), await done.file("/behind").contents()

    one, two = await randoms("1"), await randoms("2")
    assert one[0] == two[0]
    assert one[1] != two[1]
    assert await randoms("1") == one


async def test_configuration_of_the_base_is_inherited_and_changed(
    dag: dagger.Client, samples: SampleImages
) -> None:
    source = context(
        dag, 'FROM BASE\nENV SHARED=mine\nENTRYPOINT ["/x"]\nLABEL own=1\n', base=samples.configured
    )
    done = source.docker_build()
    assert await done.env_variable("ORIGIN") == "image"
    assert await done.env_variable("SHARED") == "mine"
    assert await done.workdir() == "/srv"
    assert await done.user() == "app"
    assert await done.entrypoint() == ["/x"]
    assert await done.default_args() == []
    assert {await label.name() for label in await done.labels()} == {"kind", "shared", "own"}


async def test_emulated_platform_runs_its_steps(dag: dagger.Client, samples: SampleImages) -> None:
    here = await dag.default_platform()
    foreign = "linux/arm64" if here == "linux/amd64" else "linux/amd64"
    source = context(
        dag,
        "FROM BASE\nARG TARGETARCH\nRUN echo $TARGETARCH $(uname -m) > /m\n",
        base=samples.busybox,
    )
    done = source.docker_build(platform=dagger.Platform(foreign))
    assert await done.platform() == foreign
    said = (await done.file("/m").contents()).split()
    assert said in (["arm64", "aarch64"], ["amd64", "x86_64"])


async def test_sixty_stages_on_each_other_are_built(
    dag: dagger.Client, samples: SampleImages
) -> None:
    lines = ["FROM BASE AS s0"]
    lines += [f"FROM s{n - 1} AS s{n}\nENV N{n}={n}" for n in range(1, 60)]
    lines.append("FROM scratch\nCOPY --from=s59 /etc/passwd /p")
    done = context(dag, "\n".join(lines), base=samples.busybox).docker_build()
    await settle(done)
    assert await done.rootfs().entries() == ["p"]
