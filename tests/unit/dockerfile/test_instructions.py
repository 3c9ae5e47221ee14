"""Each instruction in each of its forms."""

from __future__ import annotations

from typing import TypeVar

import pytest

from keelway.dockerfile import instructions as kinds
from keelway.dockerfile import parse

T = TypeVar("T")


def one(line: str, kind: type[T]) -> T:
    """Return the only instruction of a stage."""
    (found,) = parse(f"FROM a\n{line}\n").stages[0].instructions
    assert isinstance(found, kind)
    return found


def test_from_has_platform_image_and_name() -> None:
    base = (
        parse("from --platform=$BUILDPLATFORM reg:5000/a/b:1@sha256:x aS Build-1.x").stages[0].base
    )
    assert (base.platform, base.image, base.name) == (
        "$BUILDPLATFORM",
        "reg:5000/a/b:1@sha256:x",
        "build-1.x",
    )


def test_run_has_a_shell_form_and_an_exec_form() -> None:
    shell = one('RUN echo "a  b"  | cat', kinds.Run).command
    assert (shell.words, shell.is_shell) == (('echo "a  b"  | cat',), True)
    words = one('RUN [ "echo", "$HOME" ]', kinds.Run).command
    assert (words.words, words.is_shell) == (("echo", "$HOME"), False)


@pytest.mark.parametrize("text", ["['single', 'quotes']", '["c:\\windows\\x.exe"]', '["open'])
def test_what_is_no_json_is_shell_form(text: str) -> None:
    assert one(f"RUN {text}", kinds.Run).command.words == (text,)


def test_run_flags_are_read() -> None:
    run = one(
        "RUN --mount=type=cache,target=/c --mount=type=secret,id=s --network=none "
        "--security=insecure --device=vendor.com/gpu=all make --all",
        kinds.Run,
    )
    assert [mount.kind for mount in run.mounts] == ["cache", "secret"]
    assert (run.network, run.security, run.devices) == ("none", "insecure", ("vendor.com/gpu=all",))
    assert run.command.words == ("make --all",)


def test_flags_may_be_quoted_and_ended() -> None:
    copy = one("COPY --chown=\"a:b\" --exclude='x y' -- --odd /d", kinds.Copy)
    assert (copy.chown, copy.exclude, copy.sources) == ("a:b", ("x y",), ("--odd",))


def test_copy_has_all_its_flags() -> None:
    copy = one(
        "COPY --from=build --chown=1:2 --chmod=755 --link --parents=true --exclude=a --exclude=b "
        "x y /d/",
        kinds.Copy,
    )
    assert (copy.from_, copy.chown, copy.chmod) == ("build", "1:2", "755")
    assert (copy.link, copy.parents, copy.exclude) == (True, True, ("a", "b"))
    assert (copy.sources, copy.dest) == (("x", "y"), "/d/")


def test_copy_in_json_takes_blanks_in_names() -> None:
    copy = one('COPY --link=false ["a b", "c d/"]', kinds.Copy)
    assert (copy.sources, copy.dest, copy.link) == (("a b",), "c d/", False)


def test_copy_mixes_files_and_heredocs() -> None:
    copy = one("COPY a <<one <<-'two' /d/\n1\none\n2\ntwo\n", kinds.Copy)
    assert copy.sources == ("a",)
    assert [(doc.name, doc.expand) for doc in copy.heredocs] == [("one", True), ("two", False)]


@pytest.mark.parametrize(
    ("flag", "unpack"), [("", None), ("--unpack", True), ("--unpack=false", False)]
)
def test_add_has_all_its_flags(flag: str, unpack: bool | None) -> None:
    add = one(
        f"ADD --keep-git-dir=true --checksum=sha256:aa --chown=a --chmod=600 --link --exclude=*.md "
        f"{flag} https://example.com/x /d",
        kinds.Add,
    )
    assert (add.keep_git_dir, add.checksum, add.chmod, add.unpack) == (
        True,
        "sha256:aa",
        "600",
        unpack,
    )


def test_arg_declares_several() -> None:
    arg = one('ARG A B= C="x y" D=a\\ b', kinds.Arg)
    assert [(each.name, each.default) for each in arg.arguments] == [
        ("A", None),
        ("B", ""),
        ("C", '"x y"'),
        ("D", "a\\ b"),
    ]


def test_env_has_two_forms() -> None:
    pairs = one("ENV A=1 B=\"x y\" C='$D' E=a\\ b F=", kinds.Env).pairs
    assert [(pair.name, pair.value) for pair in pairs] == [
        ("A", "1"),
        ("B", '"x y"'),
        ("C", "'$D'"),
        ("E", "a\\ b"),
        ("F", ""),
    ]
    (old,) = one("ENV ONE TWO= THREE=world", kinds.Env).pairs
    assert (old.name, old.value) == ("ONE", "TWO= THREE=world")


def test_label_names_may_be_quoted() -> None:
    pairs = one('LABEL "com.example.vendor"="ACME Inc" v=1', kinds.Label).pairs
    assert [(pair.name, pair.value) for pair in pairs] == [
        ('"com.example.vendor"', '"ACME Inc"'),
        ("v", "1"),
    ]


def test_expose_keeps_each_word() -> None:
    assert one("EXPOSE 80 8000-8010/udp $P", kinds.Expose).ports == ("80", "8000-8010/udp", "$P")


def test_healthcheck_has_options_and_a_command() -> None:
    check = one(
        "HEALTHCHECK --interval=1m30s --timeout=3s --start-period=500ms --start-interval=1h "
        "--retries=5 CMD curl -f http://x || exit 1",
        kinds.Healthcheck,
    )
    assert check.command is not None
    assert check.command.words == ("curl -f http://x || exit 1",)
    second = 10**9
    assert (check.interval, check.timeout, check.retries) == (90 * second, 3 * second, 5)
    assert (check.start_period, check.start_interval) == (second // 2, 3600 * second)
    assert one("HEALTHCHECK NONE", kinds.Healthcheck).command is None


def test_shell_and_volume_take_json_and_volume_words() -> None:
    assert one('SHELL ["bash", "-c"]', kinds.Shell).words == ("bash", "-c")
    assert one('VOLUME ["/a b", "/c"]', kinds.Volume).paths == ("/a b", "/c")
    assert one("VOLUME /a  /b", kinds.Volume).paths == ("/a", "/b")


def test_single_arguments_are_whole_lines() -> None:
    assert one("WORKDIR /a b", kinds.Workdir).path == "/a b"
    assert one("USER app:staff", kinds.User).user == "app:staff"
    assert one("STOPSIGNAL SIGQUIT", kinds.StopSignal).signal == "SIGQUIT"
    assert one("MAINTAINER A B <a@b>", kinds.Maintainer).name == "A B <a@b>"


def test_commands_may_be_empty_lists() -> None:
    assert one("ENTRYPOINT []", kinds.Entrypoint).command.words == ()
    assert one('CMD ["a", "b"]', kinds.Cmd).command.words == ("a", "b")
    assert one("CMD a b", kinds.Cmd).command.is_shell


def test_trigger_holds_an_instruction_and_its_text() -> None:
    found = one("ONBUILD RUN --network=none <<EOF\nhi\nEOF", kinds.OnBuild)
    assert found.expression == "RUN --network=none <<EOF\nhi\nEOF"
    assert isinstance(found.trigger, kinds.Run)
    assert found.trigger.command.heredocs[0].content == "hi\n"


def test_global_arguments_stand_before_the_first_stage() -> None:
    file = parse("ARG A=1\nARG B\nFROM x:$A\nARG B\n")
    assert [arg.name for line in file.arguments for arg in line.arguments] == ["A", "B"]
    assert len(file.stages[0].instructions) == 1
