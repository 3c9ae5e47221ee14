"""`EnvFile`, `JSONValue`, `Error`, `Address`, and the engine's own cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagger
import pytest

from tests.support.repositories import new_repository
from tests.support.shell import output, settle

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engine.conftest import NewSession
    from tests.support.engines import Engine
    from tests.support.sample_images import SampleImages

ENV = """# settings
NAME=world
GREETING="hello   ${NAME}" # not a part of it
PLAIN='$NAME'
export APP_PORT=80
LATER=$AFTER-wards
AFTER=two  words
NAME=all
alone
"""


async def test_env_file_is_unquoted_and_expanded(dag: dagger.Client) -> None:
    file = dag.file(".env", ENV).as_env_file()
    assert await file.get("GREETING") == "hello   all"
    assert await file.get("GREETING", raw=True) == '"hello   ${NAME}" # not a part of it'
    assert await file.get("LATER") == "two words-wards"
    assert await file.get("PLAIN") == "$NAME"
    assert await file.get("NAME") == "all"
    assert await file.get("APP_PORT") == "80"
    assert await file.get("none") == ""
    assert await file.exists("none") is False
    names = [await variable.name() for variable in await file.variables()]
    assert names == ["AFTER", "APP_PORT", "GREETING", "LATER", "NAME", "PLAIN", "alone"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A=$NOWHERE_AT_ALL", "A: NOWHERE_AT_ALL: unbound variable"),
        ("A=$B\nB=$A", "A: B: unbound variable"),
        ("A=`date`", "A: unexpected command substitution"),
        ("A=1\nB c=2", "not a bare assignment"),
        ('A="open', "A: reached EOF without closing quote"),
        ("A=${B:?is needed}", "A: B: is needed"),
    ],
)
async def test_env_file_that_means_nothing_is_an_error(
    dag: dagger.Client, text: str, message: str
) -> None:
    file = dag.file(".env", text).as_env_file()
    with pytest.raises(dagger.QueryError, match=message):
        await file.get("A")
    assert text.startswith(f"A={await file.get('A', raw=True)}")


async def test_env_file_takes_variables_of_the_client(dag: dagger.Client) -> None:
    file = dag.env_file().with_variable("A", "in $HOME, ${NONE:-or} ${HOME:+not}")
    assert (await file.get("A")).endswith(", or not")


async def test_env_file_is_made_and_changed(dag: dagger.Client) -> None:
    file = dag.env_file().with_variable("A", "1").with_variable("APP_B", "2")
    assert await file.with_variable("A", "3").as_file().contents() == "A=3\nAPP_B=2\n"
    assert await file.without_variable("A").exists("A") is False
    assert await file.namespace("APP_").as_file().contents() == "B=2\n"
    named = file.with_variable("myApp_URL", "http://$A").with_variable("MY_APP_x", "x")
    inner = named.namespace("my-app")
    assert await inner.as_file().contents() == "x=x\nURL=http://$A\n"
    assert await inner.get("URL") == "http://1"


async def test_container_gets_the_variables(dag: dagger.Client, base: dagger.Container) -> None:
    container = base.with_env_file_variables(dag.file(".env", ENV).as_env_file())
    assert await output(container, "echo $APP_PORT $NAME") == "80 all\n"
    assert await container.env_variable("PLAIN") == "$NAME"


async def test_json_is_read(dag: dagger.Client) -> None:
    value = dag.file("a.json", '{"b": {"c": [1, "x", true]}, "a": null}').as_json()
    assert await value.fields() == ["a", "b"]
    (number, text, truth) = await value.field(["b", "c"]).as_array()
    assert await number.as_integer() == 1
    assert await text.as_string() == "x"
    assert await truth.as_boolean() is True
    assert str(await value.contents()) == '{"b": {"c": [1, "x", true]}, "a": null}'
    assert await value.field(["a"]).as_string() == ""
    for path, message in (
        (["b", "none"], "no such field: 'none'"),
        (["a", "none"], "can't lookup field 'none' in non-object value"),
    ):
        with pytest.raises(dagger.QueryError, match=message):
            await value.field(path).as_string()
    with pytest.raises(dagger.QueryError, match="value is not an array"):
        await value.field(["b"]).as_array()
    with pytest.raises(dagger.QueryError, match="invalid JSON"):
        await dag.file("a.json", "{").as_json().fields()


async def test_json_is_made(dag: dagger.Client) -> None:
    empty = dag.json()
    made = empty.with_field(["a", "b"], empty.new_integer(1)).with_field(
        ["a", "c"], empty.new_string("x")
    )
    assert str(await made.contents()) == '{"a":{"b":1,"c":"x"}}'
    pretty = str(await made.field(["a"]).contents(pretty=True))
    assert pretty == '{\n  "b": 1,\n  "c": "x"\n}'
    again = empty.with_contents(dagger.JSON("[true]"))
    assert str(await again.contents()) == "[true]"
    over = again.with_field(["z"], empty.new_string("<&>")).with_field(["a"], again)
    assert str(await over.contents()) == '{"a":[true],"z":"\\u003c\\u0026\\u003e"}'


async def test_errors_have_a_message_and_values(dag: dagger.Client) -> None:
    error = dag.error("it broke").with_value("code", dagger.JSON("7"))
    assert await error.message() == "it broke"
    (value,) = await error.values()
    assert await value.name() == "code"
    assert str(await value.value()) == "7"
    with pytest.raises(dagger.QueryError, match="it broke"):
        await dag.directory().with_error("it broke").entries()
    with pytest.raises(dagger.QueryError, match="it broke"):
        await settle(dag.container().with_error("it broke"))


@pytest.mark.usefixtures("local_only")
async def test_address_names_what_it_is_asked_for(
    dag: dagger.Client, samples: SampleImages, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("a")
    assert await dag.address(str(tmp_path)).directory().entries() == ["a.txt"]
    assert await dag.address(str(tmp_path / "a.txt")).file().contents() == "a"
    found = dag.address(f"file://{tmp_path}/a.txt").secret()
    assert await found.plaintext() == "a"
    image = dag.address(samples.busybox).container()
    assert await output(image, "echo in") == "in\n"
    repository = new_repository(tmp_path / "repo")
    commit = repository.commit({"b.txt": "b"})
    repository.git("tag", "v1")
    assert await dag.address(f"{repository.path}#v1").git_ref().commit() == commit
    assert await dag.address(str(repository.path)).git_repository().head().commit() == commit


async def test_cache_is_listed_and_freed(new_session: NewSession, fresh_engine: Engine) -> None:
    first = await new_session(fresh_engine)
    await settle(first.directory().with_new_file("a", "a" * 100_000))
    listed = first.engine().local_cache().entry_set()
    assert await listed.entry_count() >= 1
    assert await listed.disk_space_bytes() >= 100_000
    entry = (await listed.entries())[0]
    assert await entry.actively_used() is True
    assert await entry.disk_space_bytes() > 0
    assert await entry.created_time_unix_nano() > 0
    await first.engine().local_cache().prune()
    assert await first.engine().local_cache().entry_set().entry_count() >= 1  # it is in use
    with pytest.raises(dagger.QueryError, match="invalid reservedSpace value"):
        await first.engine().local_cache().prune(reserved_space="many")
