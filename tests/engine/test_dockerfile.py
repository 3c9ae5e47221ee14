"""`docker_build`: stages, arguments, targets, copies, settings, and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagger
import pytest
from dagger import BuildArg

from tests.support.contexts import context
from tests.support.shell import output, settle

if TYPE_CHECKING:
    from tests.support.sample_images import SampleImages


async def test_stages_hand_on_files_and_only_the_last_is_kept(
    dag: dagger.Client, samples: SampleImages
) -> None:
    source = context(
        dag,
        """\
        FROM BASE AS build
        COPY in.txt /work/
        RUN tr a-z A-Z < /work/in.txt > /work/out.txt && echo x > /only-in-build
        FROM BASE
        COPY --from=build /work/out.txt /out.txt
        """,
        {"in.txt": "text"},
        base=samples.busybox,
    )
    built = source.docker_build()
    assert await built.file("/out.txt").contents() == "TEXT"
    assert await built.exists("/only-in-build") is False


async def test_copy_takes_from_stages_by_number_and_from_images(
    dag: dagger.Client, samples: SampleImages
) -> None:
    source = context(
        dag,
        """\
        FROM BASE
        RUN echo zero > /zero
        FROM scratch
        COPY --from=0 /zero /
        COPY --from=BASE /etc/passwd /from-image
        """,
        base=samples.busybox,
    )
    built = source.docker_build()
    assert await built.rootfs().entries() == ["from-image", "zero"]


async def test_target_stops_at_its_stage_and_unused_stages_do_not_run(
    dag: dagger.Client, samples: SampleImages
) -> None:
    source = context(
        dag,
        """\
        FROM BASE AS one
        RUN echo one > /which
        FROM BASE AS unused
        RUN exit 1
        FROM one AS two
        RUN echo two > /which
        """,
        base=samples.busybox,
    )
    assert await source.docker_build(target="one").file("/which").contents() == "one\n"
    assert await source.docker_build().file("/which").contents() == "two\n"


async def test_unknown_target_is_an_error_that_names_it(
    dag: dagger.Client, samples: SampleImages
) -> None:
    source = context(dag, "FROM BASE\n", base=samples.busybox)
    with pytest.raises(dagger.QueryError, match="no-such-stage"):
        await settle(source.docker_build(target="no-such-stage"))


async def test_build_arguments_have_defaults_and_are_overridden(
    dag: dagger.Client, samples: SampleImages
) -> None:
    source = context(
        dag,
        """\
        ARG TAG=unset
        FROM BASE
        ARG TAG
        ARG LOCAL=local
        ARG NOTHING
        ENV SEEN=$TAG-${LOCAL}-${NOTHING:-none}
        RUN echo "$TAG $LOCAL" > /args
        """,
        base=samples.busybox,
    )
    assert await source.docker_build().env_variable("SEEN") == "unset-local-none"
    built = source.docker_build(build_args=[BuildArg("TAG", "t"), BuildArg("LOCAL", "l")])
    assert await built.env_variable("SEEN") == "t-l-none"
    assert await built.file("/args").contents() == "t l\n"
    assert await built.env_variable("LOCAL") is None


async def test_argument_chooses_the_base_image(dag: dagger.Client, samples: SampleImages) -> None:
    source = context(dag, "ARG FROM_IMAGE=BASE\nFROM ${FROM_IMAGE}\n", base=samples.busybox)
    built = source.docker_build(build_args=[BuildArg("FROM_IMAGE", samples.configured)])
    assert await built.label("kind") == "configured"
    assert await source.docker_build().label("kind") is None


async def test_platform_arguments_are_predefined(dag: dagger.Client, samples: SampleImages) -> None:
    source = context(
        dag,
        """\
        FROM --platform=$BUILDPLATFORM BASE
        ARG TARGETPLATFORM
        ARG TARGETOS
        ARG TARGETARCH
        ARG BUILDPLATFORM
        RUN echo "$TARGETPLATFORM $TARGETOS $TARGETARCH $BUILDPLATFORM" > /platforms
        """,
        base=samples.busybox,
    )
    here = await dag.default_platform()
    foreign = "arm64" if here == "linux/amd64" else "amd64"
    built = source.docker_build(platform=dagger.Platform(f"linux/{foreign}"))
    said = await built.file("/platforms").contents()
    assert said == f"linux/{foreign} linux {foreign} {here}\n"


async def test_settings_of_the_file_are_settings_of_the_container(
    dag: dagger.Client, samples: SampleImages
) -> None:
    source = context(
        dag,
        """\
        FROM BASE
        ENV A=1 B="two words"
        ENV OLD style
        LABEL l1=v1 l2="v 2"
        WORKDIR /srv
        WORKDIR app
        USER app:staff
        EXPOSE 8080 53/udp
        ENTRYPOINT ["/bin/echo", "hi"]
        CMD ["there"]
        """,
        base=samples.busybox,
    )
    built = source.docker_build()
    assert await built.env_variable("B") == "two words"
    assert await built.env_variable("OLD") == "style"
    assert await built.label("l2") == "v 2"
    assert await built.workdir() == "/srv/app"
    assert await built.user() == "app:staff"
    assert {await port.port() for port in await built.exposed_ports()} == {8080, 53}
    assert await built.entrypoint() == ["/bin/echo", "hi"]
    assert await built.default_args() == ["there"]
    assert await built.with_exec([], use_entrypoint=True).stdout() == "hi there\n"


async def test_shell_forms_are_wrapped_by_the_shell(
    dag: dagger.Client, samples: SampleImages
) -> None:
    source = context(
        dag,
        """\
        FROM BASE
        SHELL ["/bin/sh", "-eu", "-c"]
        RUN false; echo not reached > /x || true
        """,
        base=samples.busybox,
    )
    with pytest.raises(dagger.ExecError):
        await settle(source.docker_build())
    plain = context(dag, "FROM BASE\nCMD echo $HOME\n", base=samples.busybox).docker_build()
    assert await plain.default_args() == ["/bin/sh", "-c", "echo $HOME"]


async def test_run_starts_in_the_workdir_as_the_user_with_the_variables(
    dag: dagger.Client, samples: SampleImages
) -> None:
    source = context(
        dag,
        """\
        FROM BASE
        ENV GREETING=hello
        WORKDIR /home/app/sub
        RUN chown app /home/app/sub
        USER app
        RUN echo "$GREETING $(pwd) $(id -u) $HOME" > said
        RUN ["/bin/sh", "-c", "echo exec-form >> said"]
        """,
        base=samples.busybox,
    )
    said = await source.docker_build().file("/home/app/sub/said").contents()
    assert said == "hello /home/app/sub 1000 /home/app\nexec-form\n"


async def test_failing_run_tells_step_exit_code_and_output(
    dag: dagger.Client, samples: SampleImages
) -> None:
    source = context(
        dag, "FROM BASE\nRUN echo before; echo the reason >&2; exit 17\n", base=samples.busybox
    )
    with pytest.raises(dagger.ExecError) as caught:
        await settle(source.docker_build())
    assert caught.value.exit_code == 17
    said = "failed to clone built container state: exit code: 17"
    assert caught.value.message.startswith(said)
    assert "Dockerfile:2: RUN echo before" in caught.value.message
    assert "the reason" in caught.value.stderr
    assert "exit 17" in " ".join(caught.value.command)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("FROM BASE\nRUNN echo\n", r"(?i)runn"),
        ("FROM BASE\nCOPY --from=nowhere /a /b\n", "nowhere"),
        ("RUN echo no from\n", r"(?i)no build stage|before|from"),
        ("FROM BASE\nCOPY missing.txt /\n", r"missing\.txt"),
        ("", r"(?i)empty|no instruction|from"),
        ("# syntax=example.org/other:1\nFROM BASE\n", r"syntax frontend .* is unsupported"),
    ],
)
async def test_dockerfile_that_cannot_be_built_says_why(
    dag: dagger.Client, samples: SampleImages, text: str, told: str
) -> None:
    with pytest.raises(dagger.QueryError, match=told):
        await settle(context(dag, text, base=samples.busybox).docker_build())


async def test_missing_dockerfile_is_named(dag: dagger.Client) -> None:
    with pytest.raises(dagger.QueryError, match=r"other\.Dockerfile"):
        await settle(dag.directory().docker_build(dockerfile="other.Dockerfile"))


async def test_dockerfile_may_have_another_name(dag: dagger.Client, samples: SampleImages) -> None:
    source = dag.directory().with_new_file("sub/Other", f"FROM {samples.busybox}\nCOPY f /f\n")
    built = source.with_new_file("f", "top").docker_build(dockerfile="sub/Other")
    assert await built.file("/f").contents() == "top"


async def test_scratch_image_has_only_what_was_copied(
    dag: dagger.Client, samples: SampleImages
) -> None:
    source = context(dag, "FROM scratch\nCOPY f /f\n", {"f": "x"}, base=samples.busybox)
    assert await source.docker_build().rootfs().entries() == ["f"]


async def test_healthcheck_of_the_file_is_kept(dag: dagger.Client, samples: SampleImages) -> None:
    source = context(
        dag,
        'FROM BASE\nHEALTHCHECK --interval=5s --retries=4 CMD ["/bin/true"]\n',
        base=samples.busybox,
    )
    check = source.docker_build().docker_healthcheck()
    assert await check.args() == ["/bin/true"]
    assert await check.interval() == "5s"
    assert await check.retries() == 4


async def test_on_build_of_the_base_runs_in_the_child(
    dag: dagger.Client, samples: SampleImages, nonce: str
) -> None:
    parent = context(dag, "FROM BASE\nONBUILD RUN echo child > /on\n", base=samples.busybox)
    host = samples.busybox.partition("/")[0]
    address = await parent.docker_build().publish(f"{host}/onbuild/{nonce[:12]}:1")
    child = context(dag, "FROM BASE\n", base=address)
    assert await child.docker_build().file("/on").contents() == "child\n"
    assert await dag.container().from_(address).exists("/on") is False


async def test_stages_that_do_not_need_each_other_run_side_by_side(
    dag: dagger.Client, samples: SampleImages, nonce: str
) -> None:
    wait = "i=0; until [ -e /c/{0} ]; do sleep 0.05; i=$((i+1)); [ $i -lt 200 ] || exit 9; done"
    mount = f"--mount=type=cache,id={nonce},target=/c"
    source = context(
        dag,
        f"""\
        FROM BASE AS a
        RUN {mount} touch /c/a; {wait.format("b")}; echo a > /a
        FROM BASE AS b
        RUN {mount} touch /c/b; {wait.format("a")}; echo b > /b
        FROM BASE
        COPY --from=a /a /
        COPY --from=b /b /
        """,
        base=samples.busybox,
    )
    assert await output(source.docker_build(), "cat /a /b") == "a\nb\n"


async def test_build_is_cached_step_by_step(
    dag: dagger.Client, samples: SampleImages, nonce: str
) -> None:
    text = """\
        FROM BASE
        COPY early /
        RUN head -c 8 /dev/urandom | od -An -tx1 > /random
        COPY late /
        """
    files = {"early": nonce, "late": "1"}
    first = context(dag, text, files, base=samples.busybox).docker_build()
    second = context(dag, text, files | {"late": "2"}, base=samples.busybox).docker_build()
    third = context(dag, text, files | {"early": "x" + nonce}, base=samples.busybox).docker_build()
    random = await first.file("/random").contents()
    assert await second.file("/random").contents() == random
    assert await second.file("/late").contents() == "2"
    assert await third.file("/random").contents() != random
