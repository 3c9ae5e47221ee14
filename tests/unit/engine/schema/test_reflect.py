"""What the reflection reads from the installed SDK, and from idioms of other versions of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from graphql import validate_schema

from keelway.engine.errors import EngineError
from keelway.engine.schema import client as sdk
from keelway.engine.schema.api import Api
from keelway.engine.schema.build import build
from keelway.engine.schema.reflect import ApiData, reflect

if TYPE_CHECKING:
    from pathlib import Path

LATER_CLIENT = '''
class Bytes(Scalar):
    """A scalar of a later version."""

class Mode(Enum):
    FAST = "FAST"
    QUICK = "FAST"

@dataclass(slots=True)
class Block(Input):
    kind: Mode
    call_id: str | None = ""
    content: "list[Block] | None" = None
    file: "Thing | None" = None

@runtime_checkable
class Node(Protocol):
    """An object with an ID."""

class _NodeClient(Type):
    @classmethod
    def _graphql_name(cls) -> str:
        return "Node"

    async def id(self) -> str:
        _args: list[Arg] = []
        _ctx = self._select("id", _args)
        return await _ctx.execute(str)

class Thing(Type):
    async def id(self) -> str:
        _args: list[Arg] = []
        _ctx = self._select("id", _args)
        return await _ctx.execute(str)

    async def parent(self) -> "Thing | None":
        _args: list[Arg] = []
        _ctx = self._select("parent", _args)
        return await _ctx.execute_object(Thing)

    async def send(self, message: str, *, modes: list[Mode] | None = None) -> "Other":
        _args = [
            Arg("message", message),
            Arg("modes", [Mode.FAST] if modes is None else modes, [Mode.FAST]),
        ]
        return await self._ctx.execute_sync(self, "send", _args, Other)

    async def data(self) -> Bytes:
        _args: list[Arg] = []
        _ctx = self._select("data", _args)
        return await _ctx.execute(Bytes)

    def old_way(self, *, long_name: int | None = None) -> Self:
        """Do it.

        Parameters
        ----------
        long_name:
            A number.
            .. deprecated:: It is ignored
        """
        warnings.warn(
            'Method "old_way" is deprecated: Use "new_way" instead',
            DeprecationWarning,
            stacklevel=4,
        )
        _args = [Arg("longName", long_name, None)]
        _ctx = self._select("oldWay", _args)
        return Thing(_ctx)

    def with_(self, cb):
        return cb(self)

class Query(Root):
    def thing(self, other: Thing) -> Thing:
        _args = [Arg("other", other)]
        _ctx = self._select("thing", _args)
        return Thing(_ctx)
'''


@pytest.fixture(scope="module")
def installed() -> ApiData:
    path = sdk.find_client()
    return reflect(path.read_text(), sdk.version_of(path))


@pytest.fixture(scope="module")
def later() -> ApiData:
    return reflect(LATER_CLIENT)


def described(data: ApiData, name: str) -> str:
    """Return a field as it would stand in the schema's text."""
    field = Api(data).field(*name.split("."))
    if field is None:
        return ""
    arguments = [
        f"{argument.name}: {argument.type}"
        + (f" = {argument.default!r}" if argument.has_default else "")
        + (f" @{argument.expected}" if argument.expected else "")
        for argument in field.arguments.values()
    ]
    expected = f" @{field.expected}" if field.expected else ""
    return f"{field.name}({', '.join(arguments)}): {field.type}{expected}"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Container.from", "from(address: String!, registryService: ID @Service): Container!"),
        ("Container.id", "id(): ID! @Container"),
        ("Container.sync", "sync(): ID! @Container"),
        ("Container.envVariable", "envVariable(name: String!): String"),
        ("Container.envVariables", "envVariables(): [EnvVariable!]!"),
        ("Container.dockerHealthcheck", "dockerHealthcheck(): HealthcheckConfig"),
        ("Container.platform", "platform(): Platform!"),
        ("Directory.entries", "entries(path: String): [String!]!"),
        (
            "Directory.withFiles",
            "withFiles(path: String!, sources: [ID!]! @File, permissions: Int): Directory!",
        ),
        ("Service.stop", "stop(kill: Boolean = False): ID! @Service"),
        ("Service.up", "up(ports: [PortForward!] = [], random: Boolean = False): Void"),
        ("Query.node", "node(id: ID! @Node): Node"),
        (
            "Query.loadContainerFromID",
            "loadContainerFromID(id: ContainerID! @Container): Container!",
        ),
    ],
)
def test_fields_of_the_installed_sdk(installed: ApiData, name: str, text: str) -> None:
    assert described(installed, name) == text


def test_an_enum_has_every_name_and_what_it_stands_for(installed: ApiData) -> None:
    assert installed["enums"]["ImageMediaTypes"] == {
        "DockerMediaTypes": "DockerMediaTypes",
        "DOCKER": "DockerMediaTypes",
        "OCIMediaTypes": "OCIMediaTypes",
        "OCI": "OCIMediaTypes",
    }


def test_every_object_is_a_node_and_can_be_loaded(installed: ApiData) -> None:
    for name, data in installed["objects"].items():
        assert "Node" in data["interfaces"], name
        if name != "Query":
            assert f"load{name}FromID" in installed["objects"]["Query"]["fields"]
            assert f"{name}ID" in installed["scalars"]
    assert "Syncer" in installed["objects"]["File"]["interfaces"]
    assert "Exportable" in installed["objects"]["Container"]["interfaces"]
    assert "Exportable" not in installed["objects"]["Service"]["interfaces"]


def test_every_field_that_the_client_sends_is_there(installed: ApiData) -> None:
    """Compare with the client itself, so that no method was passed over."""
    source = sdk.find_client().read_text()
    sent = source.count('self._select("') + source.count("self._ctx.execute_sync(")
    reflected = [
        name
        for kind in (installed["objects"], installed["interfaces"])
        for data in kind.values()
        for name in data["fields"]
    ]
    added = [name for name in reflected if name.startswith("load") and name.endswith("FromID")]
    own = source.count('self._select("load')
    assert len(reflected) - len(added) + own == sent


def test_the_version_is_the_sdks(installed: ApiData) -> None:
    assert installed["version"].startswith("v")
    assert installed["version"].split(".")[0] in {"v0", "v1"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Thing.parent", "parent(): Thing"),
        (
            "Thing.send",
            "send(message: String!, modes: [Mode!] = ['FAST']): ID! @Other",
        ),
        ("Thing.data", "data(): Bytes!"),
        ("Thing.oldWay", "oldWay(longName: Int): Thing!"),
        ("Thing.with_", ""),
        ("Query.thing", "thing(other: ID! @Thing): Thing!"),
        ("Query.loadThingFromID", "loadThingFromID(id: ThingID! @Thing): Thing!"),
    ],
)
def test_idioms_of_later_clients(later: ApiData, name: str, text: str) -> None:
    assert described(later, name) == text


def test_input_objects_with_objects_in_them(later: ApiData) -> None:
    fields = Api(later).input("Block") or {}
    assert {name: str(field.type) for name, field in fields.items()} == {
        "kind": "Mode!",
        "callId": "String",
        "content": "[Block!]",
        "file": "ID",
    }
    assert fields["file"].expected == "Thing"
    assert fields["kind"].required


def test_deprecations_carry_their_reason(later: ApiData) -> None:
    field = Api(later).field("Thing", "oldWay")
    assert field is not None
    assert field.deprecated == 'Use "newWay" instead'
    assert field.arguments["longName"].deprecated == "It is ignored"


def test_both_make_a_valid_schema(installed: ApiData, later: ApiData) -> None:
    assert validate_schema(build(installed)) == []
    assert [error.message for error in validate_schema(build(later))] == []


def test_a_client_that_is_not_understood_is_said_to_be_so() -> None:
    source = LATER_CLIENT.replace("return Thing(_ctx)", "return None", 1)
    with pytest.raises(EngineError, match="not understood at line"):
        reflect(source)


def test_without_an_sdk_it_is_said_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", [])
    monkeypatch.setattr("sys.path_importer_cache", {})
    with pytest.raises(EngineError, match="pip install 'dagger-io"):
        sdk.find_client()


def test_an_sdk_without_a_version_is_served_all_the_same(tmp_path: Path) -> None:
    assert sdk.version_of(tmp_path / "client" / "gen.py") == "v0.0.0"
