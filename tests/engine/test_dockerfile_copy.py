"""COPY and ADD, the context's ignore file, and heredocs."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import dagger
import pytest

from tests.support.contexts import context
from tests.support.shell import output, settle

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.sample_images import SampleImages

FILES = {
    "a.txt": "a",
    "b.txt": "b",
    "c.md": "c",
    "sub/d.txt": "d",
    "sub/deep/e.txt": "e",
}


async def built(
    dag: dagger.Client, samples: SampleImages, lines: str, files: dict[str, str] | None = None
) -> dagger.Container:
    """Build on busybox with these instructions."""
    source = context(dag, f"FROM BASE\n{lines}\n", files or FILES, base=samples.busybox)
    return await source.docker_build().sync()


async def test_wildcards_and_folders_are_copied_by_content(
    dag: dagger.Client, samples: SampleImages
) -> None:
    done = await built(dag, samples, "COPY *.txt /t/\nCOPY sub /s\nCOPY sub/ a.txt /m/")
    assert await done.directory("/t").entries() == ["a.txt", "b.txt"]
    assert await done.directory("/s").entries() == ["d.txt", "deep/"]
    assert await done.directory("/m").entries() == ["a.txt", "d.txt", "deep/"]


async def test_wildcard_without_a_match_makes_nothing(
    dag: dagger.Client, samples: SampleImages
) -> None:
    done = await built(dag, samples, "COPY none* /made/")
    assert await done.exists("/made") is False


async def test_copies_go_below_the_workdir(dag: dagger.Client, samples: SampleImages) -> None:
    done = await built(dag, samples, "WORKDIR /srv\nCOPY a.txt x/\nCOPY b.txt renamed")
    assert await done.directory("/srv").glob("**/*") == ["renamed", "x/", "x/a.txt"]


async def test_owner_and_mode_are_set_by_flags(dag: dagger.Client, samples: SampleImages) -> None:
    done = await built(
        dag,
        samples,
        "COPY --chown=app:staff --chmod=640 a.txt /x\nCOPY --chown=1001 sub /s\nUSER app\n"
        "COPY b.txt /b",
    )
    said = await output(done.with_user("root"), "stat -c '%a %u:%g' /x; stat -c %u:%g /s/d.txt /b")
    assert said == "640 1000:50\n1001:1001\n0:0\n"


async def test_exclude_and_parents_flags_choose(dag: dagger.Client, samples: SampleImages) -> None:
    done = await built(
        dag, samples, "COPY --exclude=*.md --exclude=b* . /e/\nCOPY --parents sub/deep/e.txt /p/"
    )
    assert await done.directory("/e").entries() == ["Dockerfile", "a.txt", "sub/"]
    assert await done.directory("/p").glob("**/*") == ["sub/", "sub/deep/", "sub/deep/e.txt"]


async def test_linked_copy_has_the_same_result(dag: dagger.Client, samples: SampleImages) -> None:
    done = await built(dag, samples, "COPY --link sub /srv/s")
    assert await output(done, "cat /srv/s/d.txt") == "d"


async def test_heredocs_are_files_and_scripts(dag: dagger.Client, samples: SampleImages) -> None:
    lines = """\
ENV NAME=value
COPY <<EOF /expanded
name is $NAME
EOF
COPY <<"EOF" /plain
name is $NAME
EOF
COPY <<one <<two /many/
1
one
2
two
RUN <<EOF
echo first > /ran
echo second >> /ran
EOF"""
    done = await built(dag, samples, lines)
    assert await done.file("/expanded").contents() == "name is value\n"
    assert await done.file("/plain").contents() == "name is $NAME\n"
    assert await done.directory("/many").entries() == ["one", "two"]
    assert await done.file("/ran").contents() == "first\nsecond\n"


async def test_ignore_file_filters_the_context(dag: dagger.Client, samples: SampleImages) -> None:
    files = FILES | {".dockerignore": "# comment\n*.md\nsub\n!sub/deep\n**/b.txt\n"}
    done = await built(dag, samples, "COPY . /c/", files)
    names = await done.directory("/c").glob("**/*")
    assert [name for name in names if not name.endswith("/")] == [
        ".dockerignore",
        "Dockerfile",
        "a.txt",
        "sub/deep/e.txt",
    ]


async def test_ignore_file_of_the_dockerfile_wins(
    dag: dagger.Client, samples: SampleImages
) -> None:
    files = FILES | {".dockerignore": "a.txt", "Dockerfile.dockerignore": "b.txt"}
    done = await built(dag, samples, "COPY *.txt /c/", files)
    assert await done.directory("/c").entries() == ["a.txt"]


async def test_ignored_file_cannot_be_copied(dag: dagger.Client, samples: SampleImages) -> None:
    with pytest.raises(dagger.QueryError, match=r"a\.txt"):
        _ = await built(dag, samples, "COPY a.txt /", FILES | {".dockerignore": "a.txt"})


async def test_dockerfile_may_be_ignored_and_still_builds(
    dag: dagger.Client, samples: SampleImages
) -> None:
    files = FILES | {".dockerignore": "Dockerfile\n.dockerignore\n"}
    done = await built(dag, samples, "COPY . /c/", files)
    assert await done.directory("/c").entries() == ["a.txt", "b.txt", "c.md", "sub/"]


async def test_add_unpacks_local_archives_and_copy_does_not(
    dag: dagger.Client, samples: SampleImages, tmp_path: Path
) -> None:
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as tar:
        info = tarfile.TarInfo("inside/f")
        info.size = 1
        tar.addfile(info, io.BytesIO(b"x"))
    source = context(
        dag, "FROM BASE\nADD x.tar.gz /added/\nCOPY x.tar.gz /copied/\n", base=samples.busybox
    )
    source = source.with_file("x.tar.gz", dag.host().file(str(tmp_path / "x.tar.gz")))
    done = source.docker_build()
    assert await done.directory("/added").entries() == ["inside/"]
    assert await done.directory("/copied").entries() == ["x.tar.gz"]


async def test_later_copy_replaces_files_of_the_earlier(
    dag: dagger.Client, samples: SampleImages
) -> None:
    done = await built(dag, samples, "COPY a.txt /f\nCOPY b.txt /f\nRUN rm /etc/group")
    assert await done.file("/f").contents() == "b"
    assert await done.exists("/etc/group") is False


async def test_copy_outside_of_the_context_stays_inside(
    dag: dagger.Client, samples: SampleImages
) -> None:
    with pytest.raises(dagger.QueryError):
        _ = await built(dag, samples, "COPY ../../etc/hostname /x")


async def test_continued_lines_comments_and_escapes_are_read(
    dag: dagger.Client, samples: SampleImages
) -> None:
    source = context(
        dag,
        """\
        # escape=`
        FROM BASE
        RUN echo one `
            # a comment inside
            two `

            three > /said
        """,
        base=samples.busybox,
    )
    assert await source.docker_build().file("/said").contents() == "one two three\n"


async def test_built_image_can_go_on_as_a_container(
    dag: dagger.Client, samples: SampleImages
) -> None:
    done = (await built(dag, samples, "RUN echo built > /b")).with_exec(["cat", "/b"])
    assert await done.stdout() == "built\n"
    await settle(done.with_new_file("/more", "x"))
