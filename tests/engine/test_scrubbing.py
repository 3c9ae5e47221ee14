"""Secrets never show: outputs, errors and redirect files are scrubbed, whatever the chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import dagger
import pytest

from tests.support.shell import output, settle, shell

if TYPE_CHECKING:
    from tests.support.engines import Engine

VALUE = "s3cr3t-value-of-the-test"


@pytest.fixture
def holder(dag: dagger.Client, base: dagger.Container, nonce: str) -> dagger.Container:
    """A container whose execs have the secret as a variable."""
    return base.with_secret_variable("S", dag.set_secret(nonce, VALUE))


async def test_secret_variable_is_scrubbed_from_every_stream(holder: dagger.Container) -> None:
    done = shell(holder, "echo out $S; echo err $S >&2")
    assert await done.stdout() == "out ***\n"
    assert await done.stderr() == "err ***\n"
    assert VALUE not in await done.combined_output()


async def test_mounted_secret_is_scrubbed(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    ready = base.with_mounted_secret("/s", dag.set_secret(nonce, VALUE))
    assert await output(ready, "cat /s; echo") == "***\n"


async def test_secret_written_in_small_pieces_is_scrubbed(holder: dagger.Container) -> None:
    script = (
        'printf before; i=1; while [ $i -le ${#S} ]; do printf %s "$S" | cut -c$i | tr -d "\\n"; '
        "sleep 0.01; i=$((i+1)); done; echo after"
    )
    assert await output(holder, script) == "before***after\n"


@pytest.mark.parametrize("before", [4080, 8180, 16370, 32760, 65520])
async def test_secret_across_a_chunk_border_is_scrubbed(
    holder: dagger.Container, before: int
) -> None:
    script = f"head -c {before} /dev/zero | tr '\\0' x; printf %s \"$S\"; seq 1 2000"
    text = await output(holder, script)
    assert text.startswith("x" * before + "***1\n2\n")
    assert VALUE not in text


async def test_many_secrets_in_one_line_are_all_scrubbed(holder: dagger.Container) -> None:
    assert await output(holder, "echo $S$S-$S") == "******-***\n"


async def test_trimmed_form_of_a_secret_is_scrubbed_too(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    ready = base.with_secret_variable("S", dag.set_secret(nonce, f"  {VALUE}\n"))
    assert await output(ready, f"echo [{VALUE}]") == "[***]\n"


async def test_one_secret_inside_another_is_scrubbed_as_a_whole(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    ready = base.with_secret_variable("A", dag.set_secret(f"{nonce}a", VALUE))
    ready = ready.with_secret_variable("B", dag.set_secret(f"{nonce}b", f"{VALUE}-and-more"))
    text = await output(ready, "echo $B; echo $A")
    assert VALUE not in text
    assert "and-more" not in text


async def test_empty_secret_does_not_scrub_everything(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    ready = base.with_secret_variable("S", dag.set_secret(nonce, ""))
    assert await output(ready, "echo untouched") == "untouched\n"


async def test_only_secrets_of_this_exec_are_scrubbed(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    secret = dag.set_secret(nonce, VALUE)
    await settle(base.with_secret_variable("S", secret).with_exec(["true"]))
    assert await base.with_exec(["echo", VALUE]).stdout() == f"{VALUE}\n"


async def test_encoded_secrets_are_not_recognised(holder: dagger.Container) -> None:
    assert "***" not in await output(holder, 'printf %s "$S" | base64')


async def test_errors_are_scrubbed(holder: dagger.Container) -> None:
    with pytest.raises(dagger.ExecError) as caught:
        await settle(shell(holder, "echo out $S; echo err $S >&2; exit 1"))
    assert caught.value.stdout == "out ***"
    assert caught.value.stderr == "err ***"
    assert VALUE not in str(caught.value.errors)


async def test_redirect_files_are_scrubbed(holder: dagger.Container) -> None:
    done = holder.with_exec(["sh", "-c", "echo out $S"], redirect_stdout="/out")
    assert await done.file("/out").contents() == "out ***\n"


async def test_secret_that_spans_lines_is_scrubbed(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    key = "-----BEGIN KEY-----\nAAAAB3NzaC1yc2E\nQ29uZmlkZW50\n-----END KEY-----\n"
    ready = base.with_mounted_secret("/key", dag.set_secret(nonce, key))
    text = await output(ready, "echo start; cat /key; echo end")
    assert "AAAAB3NzaC1yc2E" not in text
    assert text.startswith("start\n***")
    assert text.endswith("end\n")


async def test_secret_never_reaches_the_disk_of_the_store(
    engine: Engine, dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    engine.require_local()
    value = f"needle-{nonce}"
    ready = base.with_secret_variable("S", dag.set_secret(nonce, value))
    ready = ready.with_mounted_secret("/s", dag.set_secret(nonce, value))
    done = shell(ready, "echo $S; cat /s; echo made > /made")
    assert await done.stdout() == "***\n***"
    assert await done.as_tarball().size() > 0
    store = engine.environment["KEELWAY_STORE"]
    found = await anyio.run_process(["grep", "-rlaF", value, store], check=False)
    assert found.stdout == b""
