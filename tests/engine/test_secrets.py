"""Secrets: where they come from, how execs see them, and what identifies them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagger
import pytest

from tests.support.shell import output, settle

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.engines import Engine

RANDOM = "head -c 8 /dev/urandom | od -An -tx1"


async def test_secret_variable_is_seen_by_the_exec_only(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    ready = base.with_secret_variable("TOKEN", dag.set_secret(nonce, "my-token-value"))
    said = await output(ready, 'test "$TOKEN" = my-token-value && echo right')
    assert said == "right\n"
    assert await ready.env_variable("TOKEN") is None


async def test_later_secret_variable_of_a_name_replaces_the_earlier(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    ready = base.with_secret_variable("TOKEN", dag.set_secret(f"{nonce}1", "value-one"))
    ready = ready.with_secret_variable("TOKEN", dag.set_secret(f"{nonce}2", "value-two"))
    assert await output(ready, 'test "$TOKEN" = value-two && echo right') == "right\n"


async def test_secret_variable_wins_over_a_plain_one(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    ready = base.with_secret_variable("TOKEN", dag.set_secret(nonce, "from-secret"))
    ready = ready.with_env_variable("TOKEN", "plain")
    assert await output(ready, 'test "$TOKEN" = from-secret && echo right') == "right\n"


async def test_removed_secret_variable_is_gone(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    ready = base.with_secret_variable("TOKEN", dag.set_secret(nonce, "x-value"))
    ready = ready.without_secret_variable("TOKEN")
    assert await output(ready, "echo ${TOKEN+set}") == "\n"


async def test_mounted_secret_is_a_private_read_only_file(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    ready = base.with_mounted_secret("/run/s/token", dag.set_secret(nonce, "12345678"))
    script = (
        "stat -c '%a %u:%g' /run/s/token; wc -c < /run/s/token; "
        "echo x 2>/dev/null > /run/s/token || echo read-only"
    )
    assert await output(ready, script) == "400 0:0\n8\nread-only\n"


async def test_mounted_secret_takes_owner_and_mode(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    ready = base.with_mounted_secret(
        "/token", dag.set_secret(nonce, "12345678"), owner="app:staff", mode=0o440
    )
    assert await output(ready, "stat -c '%a %u:%g' /token") == "440 1000:50\n"


async def test_mounted_secret_is_no_file_of_the_container(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    ready = base.with_mounted_secret("/token", dag.set_secret(nonce, "12345678"))
    with pytest.raises(dagger.QueryError, match="no such file"):
        await settle(ready.file("/token"))
    assert await ready.with_exec(["true"]).rootfs().exists("token") is False


async def test_large_binary_like_secret_is_mounted_whole(
    dag: dagger.Client, base: dagger.Container, tmp_path: Path, nonce: str
) -> None:
    path = tmp_path / "large"
    path.write_bytes(bytes(range(256)) * 2000)
    ready = base.with_mounted_secret("/s", dag.secret(f"file://{path}"))
    said = await output(
        ready.with_env_variable("N", nonce), "wc -c < /s; head -c 3 /s | od -An -tu1"
    )
    assert said.split() == ["512000", "0", "1", "2"]


async def test_secret_tells_name_and_plaintext(dag: dagger.Client, nonce: str) -> None:
    secret = dag.set_secret(nonce, "the plain text")
    assert await secret.name() == nonce
    assert await secret.plaintext() == "the plain text"


async def test_secret_may_come_from_a_file(dag: dagger.Client, tmp_path: Path) -> None:
    (tmp_path / "s").write_text("from a file\n")
    assert await dag.secret(f"file://{tmp_path}/s").plaintext() == "from a file\n"


async def test_secret_may_come_from_a_command(dag: dagger.Client) -> None:
    assert (await dag.secret("cmd://echo from a command").plaintext()).strip() == "from a command"


async def test_secret_may_come_from_the_environment(dag: dagger.Client, engine: Engine) -> None:
    engine.require_own_sessions()
    assert await dag.secret("env://PATH").plaintext()


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("no-scheme", "malformed id"),
        ("carrier-pigeon://x", 'unsupported secret provider: "carrier-pigeon"'),
        ("env://KEELWAY_NOT_SET", 'secret env var not found: "KEE\\.\\.\\."'),
        ("file:///keelway/none", "no such file or directory"),
        ("cmd://exit 3", "failed to run secret command"),
    ],
)
async def test_secret_that_cannot_be_had_says_why(dag: dagger.Client, uri: str, told: str) -> None:
    with pytest.raises(dagger.QueryError, match=told):
        await dag.secret(uri).plaintext()


async def test_set_secret_is_known_by_its_name_so_new_values_keep_the_cache(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    said = [
        await output(base.with_secret_variable("S", dag.set_secret(nonce, value)), RANDOM)
        for value in ("value-one", "value-two")
    ]
    assert said[0] == said[1]


async def test_secret_from_a_uri_is_known_by_its_value_so_changes_run_again(
    dag: dagger.Client, base: dagger.Container, tmp_path: Path
) -> None:
    path = tmp_path / "s"
    said = []
    for value in ("value-one", "value-one", "value-two"):
        path.write_text(value)
        ready = base.with_secret_variable("S", dag.secret(f"file://{path}"))
        said.append(await output(ready, RANDOM))
    assert said[0] == said[1]
    assert said[2] != said[0]


async def test_cache_key_of_a_secret_is_its_identity(
    dag: dagger.Client, base: dagger.Container, tmp_path: Path, nonce: str
) -> None:
    said = []
    for value in ("value-one", "value-two"):
        (tmp_path / value).write_text(value)
        secret = dag.secret(f"file://{tmp_path / value}", cache_key=nonce)
        said.append(await output(base.with_secret_variable("S", secret), RANDOM))
    assert said[0] == said[1]


async def test_each_handle_of_a_name_gives_its_own_plaintext(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    secrets = [dag.set_secret(nonce, value) for value in ("value-old", "value-new")]
    for secret, value in zip(secrets, ("value-old", "value-new"), strict=True):
        ready = base.with_env_variable("N", value).with_secret_variable("S", secret)
        assert await output(ready, f'test "$S" = {value} && echo right') == "right\n"


async def test_secret_that_cannot_be_had_is_an_error_when_it_is_needed(
    dag: dagger.Client, base: dagger.Container
) -> None:
    missing = dag.secret("env://KEELWAY_TEST_NOT_THERE")
    assert await missing.uri() == "env://KEELWAY_TEST_NOT_THERE"
    attached = base.with_secret_variable("S", missing)
    assert await attached.file("/etc/passwd").size() > 0
    with pytest.raises(dagger.QueryError, match=r'secret env var not found: "KEE\.\.\."'):
        await settle(attached.with_exec(["true"]))


async def test_question_mark_belongs_to_a_secrets_place(dag: dagger.Client, tmp_path: Path) -> None:
    assert await dag.secret("cmd://printf 'a?b=c'").plaintext() == "a?b=c"
    (tmp_path / "s?t").write_text("found")
    assert await dag.secret(f"file://{tmp_path}/s?t").plaintext() == "found"
    assert await dag.secret(f"file://{tmp_path}/s?t?cacheKey=k").plaintext() == "found"
