"""The finer rules of COPY and ADD: links, modes, owners, patterns, archives."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import subprocess
import tarfile
from typing import TYPE_CHECKING

import dagger
import pytest

from tests.support.contexts import context
from tests.support.missing import need
from tests.support.shell import output

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.sample_images import SampleImages

FILES = {"a.txt": "a", "b.txt": "b", "d/e.txt": "e", "d/f/g.txt": "g", "d/f/h.md": "h"}


async def built(
    dag: dagger.Client, samples: SampleImages, text: str, files: dict[str, str] | None = None
) -> dagger.Container:
    """Build a Dockerfile, in which BASE is busybox."""
    source = context(dag, text, FILES if files is None else files, base=samples.busybox)
    return await source.docker_build().sync()


async def tree(container: dagger.Container, path: str) -> list[str]:
    """Return the files below a folder."""
    names = await container.directory(path).glob("**/*")
    return [name for name in names if not name.endswith("/")]


# --- copies ----------------------------------------------------------------------------------


async def test_linked_file_is_followed_and_links_in_folders_are_kept(
    dag: dagger.Client, samples: SampleImages
) -> None:
    done = await built(
        dag,
        samples,
        """\
        FROM BASE AS made
        RUN mkdir /m && cd /m && echo text > real && ln -s real link && ln -s /nowhere dangling
        FROM BASE
        COPY --from=made /m/link /one
        COPY --from=made /m /all
        """,
    )
    said = await output(
        done, "readlink /one || cat /one; readlink /all/link; readlink /all/dangling"
    )
    assert said == "text\nreal\n/nowhere\n"


async def test_copies_from_a_stage_keep_owner_and_mode(
    dag: dagger.Client, samples: SampleImages
) -> None:
    done = await built(
        dag,
        samples,
        """\
        FROM BASE AS made
        RUN mkdir /m && echo x > /m/x && chown -R 1000:50 /m && chmod 4711 /m/x
        FROM BASE
        COPY --from=made /m /m
        COPY --from=made --chown=0 /m/x /root-owned
        """,
    )
    assert await output(done, "stat -c '%a %u:%g' /m/x /root-owned | tail -2") == (
        "4711 1000:50\n4711 0:0\n"
    )


async def test_destination_behind_a_link_is_followed(
    dag: dagger.Client, samples: SampleImages
) -> None:
    done = await built(
        dag, samples, "FROM BASE\nRUN mkdir /real && ln -s real /link\nCOPY a.txt /link/\n"
    )
    assert await output(done, "readlink /link; ls /real") == "real\na.txt\n"


async def test_file_goes_into_a_folder_that_is_there(
    dag: dagger.Client, samples: SampleImages
) -> None:
    done = await built(dag, samples, "FROM BASE\nCOPY a.txt /etc\nCOPY b.txt /new\n")
    assert await output(done, "cat /etc/a.txt /new") == "ab"


async def test_folders_merge_and_later_files_win(dag: dagger.Client, samples: SampleImages) -> None:
    done = await built(
        dag, samples, "FROM BASE\nCOPY d /x\nCOPY b.txt /x/e.txt\nCOPY d/f /x\nCOPY d/ /y/\n"
    )
    assert await tree(done, "/x") == ["e.txt", "f/g.txt", "f/h.md", "g.txt", "h.md"]
    assert await output(done, "cat /x/e.txt") == "b"
    assert await tree(done, "/y") == ["e.txt", "f/g.txt", "f/h.md"]


async def test_folder_cannot_replace_a_file(dag: dagger.Client, samples: SampleImages) -> None:
    with pytest.raises(
        dagger.QueryError, match=r"Dockerfile:3: COPY d /x: cannot copy to /x: Not a directory"
    ):
        _ = await built(dag, samples, "FROM BASE\nCOPY a.txt /x\nCOPY d /x\n")


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("COPY ?.txt /t/", ["a.txt", "b.txt"]),
        ("COPY [^a].txt /t/", ["b.txt"]),
        ("COPY d/*/*.md /t/", ["h.md"]),
        ("COPY d* /t/", ["e.txt", "f/g.txt", "f/h.md"]),
        ("COPY b.tx[t] /t/", ["b.txt"]),
        ("COPY --exclude=*.txt d /t/", ["f/g.txt", "f/h.md"]),
        ("COPY --exclude=**/*.txt d /t/", ["f/h.md"]),
        ("COPY --exclude=f d /t/", ["e.txt"]),
        ("COPY --exclude=a.* *.txt /t/", ["b.txt"]),
        ("COPY --parents d/f/*.md a.txt /t/", ["a.txt", "d/f/h.md"]),
        ("COPY --parents ./d/./f/g.txt /t/", ["f/g.txt"]),
        ("COPY --parents d/**/*.txt /t/", ["d/e.txt", "d/f/g.txt"]),
        ("COPY --parents **/*.md /t/", ["d/f/h.md"]),
        ("COPY --parents d/f /t/", ["d/f/g.txt", "d/f/h.md"]),
    ],
)
async def test_patterns_choose_files(
    dag: dagger.Client, samples: SampleImages, line: str, found: list[str]
) -> None:
    assert await tree(await built(dag, samples, f"FROM BASE\n{line}\n"), "/t") == found


async def test_names_with_special_characters_can_be_copied(
    dag: dagger.Client, samples: SampleImages
) -> None:
    files = {"arr[0].txt": "x", "with blank": "y", "arr0.txt": "no"}
    done = await built(
        dag,
        samples,
        'FROM BASE\nCOPY arr[[]0].txt /one/\nCOPY ["with blank", "/two words"]\n',
        files,
    )
    assert await tree(done, "/one") == ["arr[0].txt"]
    assert await output(done, "cat '/two words'") == "y"


async def test_missing_source_is_told_with_line_and_instruction(
    dag: dagger.Client, samples: SampleImages
) -> None:
    with pytest.raises(dagger.QueryError) as caught:
        _ = await built(dag, samples, "FROM BASE\n\nCOPY a.txt no/such.txt /x/\n")
    assert "Dockerfile:3: COPY a.txt no/such.txt /x/" in str(caught.value)
    assert '"/no/such.txt": not found' in str(caught.value)


async def test_unknown_owner_is_told(dag: dagger.Client, samples: SampleImages) -> None:
    with pytest.raises(dagger.QueryError, match=r"Dockerfile:2: COPY .*nobody-here"):
        _ = await built(dag, samples, "FROM BASE\nCOPY --chown=nobody-here a.txt /x\n")


async def test_workdir_belongs_to_the_user_that_it_is_made_for(
    dag: dagger.Client, samples: SampleImages
) -> None:
    done = await built(
        dag, samples, "FROM BASE\nWORKDIR /r\nUSER app:staff\nWORKDIR /u/v\nWORKDIR /etc\n"
    )
    said = await output(done.with_user("root"), "stat -c %u:%g /r /u /u/v /etc")
    assert said == "0:0\n1000:50\n1000:50\n0:0\n"


# --- archives --------------------------------------------------------------------------------


def _archive() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, mode in (("in/x", 0o4672), ("y", 0o755)):
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.uid, info.gid = 1, mode, 7, 8
            tar.addfile(info, io.BytesIO(b"x"))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/in/x"
        tar.addfile(link)
    return data.getvalue()


def _zstd(data: bytes) -> bytes:
    program = need("zstd", package="zstd")
    return subprocess.run([program, "-q", "-c"], input=data, check=True, capture_output=True).stdout


async def test_add_unpacks_every_compression_and_keeps_what_the_archive_says(
    dag: dagger.Client, samples: SampleImages, tmp_path: Path
) -> None:
    plain = _archive()
    packed = {
        "z.zst": _zstd(plain),
        "p.tar": plain,
        "g.tar.gz": gzip.compress(plain),
        "b.bin": bz2.compress(plain),
        "x.xz": lzma.compress(plain),
    }
    lines = ["FROM BASE"]
    for name, data in packed.items():
        (tmp_path / name).write_bytes(data)
        lines.append(f"ADD {name} /{name}/")
    (tmp_path / "empty.tar.gz").write_bytes(b"")
    lines += ["ADD empty.tar.gz /kept/", "ADD --unpack=false p.tar /raw/"]
    lines += ["ADD --chown=1000:50 p.tar /owned"]
    text = "\n".join(lines).replace("BASE", samples.busybox)
    source = dag.host().directory(str(tmp_path)).with_new_file("Dockerfile", text)
    done = await source.docker_build().sync()
    for name in packed:
        assert await tree(done, f"/{name}") == ["in/x", "link", "y"]
    assert await tree(done, "/kept") == ["empty.tar.gz"]
    assert await tree(done, "/raw") == ["p.tar"]
    said = await output(done, "stat -c '%a %u:%g' /p.tar/in/x /owned/in/x; readlink /p.tar/link")
    assert said == "4672 7:8\n4672 1000:50\n/in/x\n"
