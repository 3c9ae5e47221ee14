"""COPY --link, and --chmod by symbols."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagger
import pytest

from tests.support.archive import read_archive
from tests.support.contexts import context
from tests.support.shell import output

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.sample_images import SampleImages

FILES = {"x.sh": "x", "sub/y": "y"}


async def built(dag: dagger.Client, samples: SampleImages, lines: str) -> dagger.Container:
    """Build on busybox with these instructions."""
    source = context(dag, f"FROM BASE\n{lines}\n", FILES, base=samples.busybox)
    source = source.with_new_file("run", "r", permissions=0o700)
    return await source.docker_build().sync()


async def test_linked_copy_follows_no_link_and_sets_modes_of_folders(
    dag: dagger.Client, samples: SampleImages
) -> None:
    lines = "RUN mkdir -m 777 /real /own && ln -s real /lnk && touch /real/old /own/old\n"
    plain = await built(dag, samples, f"{lines}COPY x.sh /lnk/\nCOPY x.sh /own/")
    linked = await built(dag, samples, f"{lines}COPY --link x.sh /lnk/\nCOPY --link x.sh /own/")
    script = "stat -c '%F %a' /lnk /own; ls /lnk/ /own /real"
    assert await output(plain, script) == (
        "symbolic link 777\ndirectory 777\n/lnk/:\nold\nx.sh\n\n/own:\nold\nx.sh\n\n"
        "/real:\nold\nx.sh\n"
    )
    assert await output(linked, script) == (
        "directory 755\ndirectory 755\n/lnk/:\nx.sh\n\n/own:\nold\nx.sh\n\n/real:\nold\n"
    )


async def test_steps_go_on_from_a_linked_layer(dag: dagger.Client, samples: SampleImages) -> None:
    done = await built(
        dag,
        samples,
        "COPY --link x.sh /m/\nRUN echo more >> /m/x.sh\nADD --link --chown=5:6 sub /m/\n"
        "RUN mv /m/y /m/z\nCOPY --link x.sh /m/again",
    )
    said = await output(done, "cd /m; cat x.sh; ls; stat -c %u:%g z")
    assert said == "xmore\nagain\nx.sh\nz\n5:6\n"


async def test_linked_layer_is_the_same_on_another_base(
    dag: dagger.Client, samples: SampleImages, tmp_path: Path
) -> None:
    layers: list[str] = []
    for number, before in enumerate(("RUN mkdir -m 700 /srv", "RUN touch /other")):
        done = await built(dag, samples, f"{before}\nCOPY --link x.sh /srv/\nCOPY --link sub /a/b/")
        target = tmp_path / f"{number}.tar"
        await done.export(str(target))
        (manifest,) = read_archive(target).manifests()
        layers.append(str([layer["digest"] for layer in manifest["layers"][-2:]]))
    assert layers[0] == layers[1]


async def test_linked_copy_knows_no_names(dag: dagger.Client, samples: SampleImages) -> None:
    with pytest.raises(dagger.QueryError, match="Dockerfile:2: --chown=app"):
        _ = await built(dag, samples, "COPY --link --chown=app x.sh /x")


async def test_modes_are_changed_by_symbols(dag: dagger.Client, samples: SampleImages) -> None:
    done = await built(
        dag,
        samples,
        "ARG X=+x\nCOPY --chmod=$X x.sh /a\nCOPY --chmod=u=rwX,go=rX . /b/\n"
        "COPY --chmod=g=u,o= <<F /c\nF",
    )
    said = await output(done, "stat -c %a /a /b /b/run /b/x.sh /b/sub /b/sub/y /c | tr '\\n' ' '")
    assert said == "755 755 755 644 755 644 660 "


async def test_mode_that_is_none_is_told(dag: dagger.Client, samples: SampleImages) -> None:
    told = r"Dockerfile:2: invalid chmod parameter: '999'\. it should be octal"
    with pytest.raises(dagger.QueryError, match=told):
        _ = await built(dag, samples, "COPY --chmod=999 x.sh /x")


async def test_group_alone_can_own_a_copy(dag: dagger.Client, samples: SampleImages) -> None:
    done = await built(dag, samples, "COPY --chown=:staff x.sh /x\nCOPY --chown=55:29 x.sh /y")
    assert await output(done, "stat -c %u:%g /x /y") == "0:50\n55:29\n"


async def test_files_with_several_names_stay_one_file(
    dag: dagger.Client, samples: SampleImages
) -> None:
    done = await built(
        dag,
        samples,
        "WORKDIR /h/sub\nRUN echo x > ../a && ln ../a b && ln ../a ../c\n"
        "FROM BASE\nCOPY --from=0 /h /copied\nCOPY --from=0 --chown=app --chmod=600 /h /owned",
    )
    said = await output(done, "stat -c '%h %a %u' /copied/a /copied/sub/b /owned/c; cat /owned/a")
    assert said == "3 644 0\n3 644 0\n3 600 1000\nx\n"
