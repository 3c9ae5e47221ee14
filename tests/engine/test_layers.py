"""Layers upon layers: what later steps hide, replace and keep, also across long chains."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import anyio
import pytest

from tests.support.shell import output, shell

if TYPE_CHECKING:
    from pathlib import Path

    import dagger

LISTING = (
    "cd /w && find . -mindepth 1 | sort | while read -r p; do "
    'if [ -L "$p" ]; then echo "$p -> $(readlink "$p")"; '
    'elif [ -d "$p" ]; then echo "$p/ $(stat -c %a "$p")"; '
    'else echo "$p $(stat -c %a "$p") $(cat "$p")"; fi; done'
)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("echo x > /w/a", "rm /w/a; mkdir /w/a; echo y > /w/a/b"),
        ("mkdir /w/a; echo x > /w/a/b", "rm -r /w/a; echo y > /w/a"),
        ("mkdir /w/a; echo x > /w/a/b", "rm -r /w/a; mkdir /w/a; echo y > /w/a/c"),
        ("mkdir /w/a; echo x > /w/a/b", "rm -r /w/a; ln -s / /w/a"),
        ("ln -s /etc /w/a", "rm /w/a; mkdir /w/a"),
        ("mkdir /w/a; echo x > /w/a/b", "mv /w/a /w/c"),
        ("mkdir /w/a; echo x > /w/a/b", "rm /w/a/b"),
        ("mkdir /w/a; echo x > /w/a/b", "chmod 700 /w/a; chmod 600 /w/a/b"),
        ("mkdir -p /w/a/b/c; echo x > /w/a/b/c/d", "rm -r /w/a/b; mkdir -p /w/a/b/e"),
    ],
)
async def test_replaced_things_look_as_after_the_same_script_in_one_step(
    base: dagger.Container, before: str, after: str
) -> None:
    start = base.with_new_file("/w/.keep", "")
    at_once = await output(shell(start, f"{before}; {after}"), LISTING)
    in_steps = shell(shell(start, before), after)
    assert await output(in_steps, LISTING) == at_once
    copied = base.with_directory("/w", in_steps.directory("/w"))
    assert await output(copied, LISTING) == at_once


async def test_removed_things_stay_removed_through_an_image_archive(
    dag: dagger.Client, base: dagger.Container
) -> None:
    made = shell(base, "mkdir -p /w/d; echo 1 > /w/a; echo 2 > /w/d/b; echo 3 > /w/d/c")
    made = shell(made, "rm /w/a; rm -r /w/d; mkdir /w/d; echo 4 > /w/d/new")
    back = dag.container().import_(made.as_tarball())
    assert await output(back, LISTING) == await output(made, LISTING)


async def test_mode_change_alone_is_a_difference(base: dagger.Container) -> None:
    made = shell(base, "mkdir /w; echo x > /w/a; echo y > /w/b")
    changed = shell(made, "chmod 600 /w/a")
    assert await made.directory("/w").diff(changed.directory("/w")).entries() == ["a"]


async def test_times_of_files_are_kept_from_step_to_step(base: dagger.Container) -> None:
    made = shell(base, "mkdir /w; echo x > /w/a; touch -d '2001-02-03 04:05:06' /w/a")
    assert await output(made, "stat -c %Y /w/a") == "981173106\n"
    copied = base.with_directory("/c", made.directory("/w"))
    assert await output(copied, "stat -c %Y /c/a") == "981173106\n"


async def test_odd_names_survive_every_way(dag: dagger.Client, base: dagger.Container) -> None:
    names = ["a b", "ü", "'\"", "*", "-n", "new\nline", ".wh-like", "x" * 255, "a:b,c"]
    tree = dag.directory()
    for name in names:
        tree = tree.with_new_file(f"w/{name}", "x")
    ready = base.with_directory("/", tree)
    assert sorted(await ready.directory("/w").entries()) == sorted(names)
    assert await output(ready, 'cd /w && for f in *; do cat ./"$f"; done | wc -c') == "8\n"
    back = dag.container().import_(ready.as_tarball())
    assert sorted(await back.directory("/w").entries()) == sorted(names)


async def test_deep_folders_are_no_limit(base: dagger.Container) -> None:
    deep = "/".join(["d" * 20] * 60)
    made = shell(base, f"mkdir -p /w/{deep} && cd /w/{deep} && echo bottom > f")
    assert await made.file(f"/w/{deep}/f").contents() == "bottom\n"
    copied = base.with_directory("/c", made.directory("/w"))
    assert await output(copied, f"cat /c/{deep}/f") == "bottom\n"


async def test_pipes_and_sockets_do_not_break_a_step(base: dagger.Container) -> None:
    made = shell(base, "mkdir /w; mkfifo /w/pipe; echo x > /w/f")
    assert await output(made, "test -p /w/pipe && cat /w/f") == "x\n"
    assert "pipe" in await made.directory("/w").entries()


async def test_hundreds_of_file_steps_are_all_there(
    dag: dagger.Client, base: dagger.Container
) -> None:
    made = base
    for number in range(150):
        made = made.with_new_file(f"/w/f{number}", f"{number}")
    assert await output(made, "ls /w | wc -l; cat /w/f0 /w/f149") == "150\n0149"
    assert await dag.directory().with_directory("", made.directory("/w")).file("f77").size() == 2


async def test_chain_of_many_execs_in_pieces_sees_everything(base: dagger.Container) -> None:
    made = base.with_new_file("/w/.keep", "")
    for piece in range(4):
        for number in range(40):
            made = shell(
                made, f"echo {number} > /w/{piece}-{number}; rm -f /w/{piece}-{number - 1}"
            )
        made = await made.sync()
    assert await output(made, "ls /w") == "0-39\n1-39\n2-39\n3-39\n"


def random_step(rng: random.Random) -> str:
    """Return one line of shell that changes `/w` in some way, whatever is there."""
    one, two = (f"{rng.choice('abc')}{rng.choice(['', '/x', '/y', '/x/z'])}" for _ in range(2))
    text = f"{rng.randrange(1000)}"
    return rng.choice(
        [
            f"mkdir -p {one}; echo {text} > {one}/f{rng.randrange(3)}",
            f"rm -rf {one}",
            f"rm -rf {two}; mkdir -p $(dirname {two}); mv {one} {two}",
            f"rm -rf {one}; mkdir -p $(dirname {one}); echo {text} > {one}",
            f"rm -rf {one}; mkdir -p $(dirname {one}); ln -s {text} {one}",
            f"chmod {rng.choice(['700', '755', '711'])} {one}",
            f"mkdir -p {one}; cp -r {one} {two}",
            f"rm -rf {one}; mkdir -p {one}",
        ]
    )


@pytest.mark.parametrize("seed", range(4))
async def test_any_sequence_of_steps_equals_the_same_steps_on_one_disk(
    base: dagger.Container, tmp_path: Path, seed: int
) -> None:
    rng = random.Random(seed)  # noqa: S311 - the same steps in every run
    steps = [random_step(rng) for _ in range(70)]
    start = base.with_new_file("/w/.keep", "")
    made = start
    for step in steps:
        made = shell(made, f"cd /w; ({step}) 2>/dev/null; true")
    script = "cd /w\n" + "\n".join(f"({step}) 2>/dev/null; cd /w" for step in steps)
    at_once = shell(start, f"{script}; true")
    assert await output(made, LISTING) == await output(at_once, LISTING)
    await made.directory("/w").export(str(tmp_path / "one"))
    await at_once.directory("/w").export(str(tmp_path / "two"))
    await anyio.run_process(["diff", "-r", "--no-dereference", tmp_path / "one", tmp_path / "two"])
