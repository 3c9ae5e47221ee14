"""Channels that are told, by real servers: requests, attempts, failures, and no secret shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anyio
import jsonschema
import pytest
from anyio.abc import SocketAttribute
from standardwebhooks.webhooks import Webhook as Verifier

from keelway.announcing import Herald
from keelway.model.history import DeliveryOutcome
from keelway.model.occasion import parse_occasion
from keelway.notify.spec import Chat, GitHub, NotifySpec, Webhook
from keelway.stages.notify import tell
from tests.support.github_form import COMMIT_STATUS, DEPLOYMENT, DEPLOYMENT_STATUS
from tests.support.observing import Listener
from tests.support.told import RUN_URL, a_channel, an_entry, receiving
from tests.support.web_handler import Asked, Reply

if TYPE_CHECKING:
    from keelway.model.history import HistoryEntry
    from keelway.model.told import Told
    from keelway.notify.spec import Channel

PATH = "/services/T0/B0/verysecret"
SHA = "c" * 40


async def told(channel: Channel, entry: HistoryEntry | None = None) -> Told:
    return await tell(Herald(), NotifySpec(channels=(channel,)), entry or an_entry())


@pytest.mark.parametrize("kind", ["slack", "teams", "discord"])
async def test_a_chat_is_told(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as server:
        monkeypatch.setenv("HOOK", f"{server.url}{PATH}\n")
        result = await told(a_channel(Chat(kind=kind, url="env://HOOK")))
    assert result.complete
    [asked] = server.asked
    assert (asked.method, asked.path) == ("POST", PATH)
    assert asked.headers["content-type"] == "application/json; charset=utf-8"
    assert asked.headers["user-agent"].startswith("keelway/")
    assert json.loads(asked.body)


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_what_may_pass_is_tried_again(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving(Reply(status=status), Reply()) as server:
        monkeypatch.setenv("HOOK", f"{server.url}{PATH}")
        result = await told(a_channel(Chat(kind="slack", url="env://HOOK")))
    assert result.complete
    assert result.deliveries[0].attempts == 2


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=400, body=b"invalid_payload"),
        Reply(status=404),
        Reply(status=302, headers={"Location": "http://127.0.0.1:1/"}),
    ],
)
async def test_what_is_refused_is_not(reply: Reply, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving(reply) as server:
        monkeypatch.setenv("HOOK", f"{server.url}{PATH}")
        result = await told(a_channel(Chat(kind="slack", url="env://HOOK")))
    assert [one.attempts for one in result.deliveries] == [1]
    error = result.deliveries[0].error or ""
    assert f"HTTP {reply.status}" in error
    assert reply.body.decode() in error


@pytest.mark.parametrize(
    "later", [Reply(status=429, headers={"Retry-After": "1"}),
              Reply(status=429, body=b'{"retry_after": 1.0}')],
)  # fmt: skip
async def test_a_service_says_how_long_it_wants_to_be_left_alone(
    later: Reply, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving(later, Reply()) as server:
        monkeypatch.setenv("HOOK", f"{server.url}{PATH}")
        began = anyio.current_time()
        result = await told(a_channel(Chat(kind="discord", url="env://HOOK")))
    assert result.complete
    assert anyio.current_time() - began >= 1


async def test_it_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving(Reply(status=429, headers={"Retry-After": "3600"})) as server:
        monkeypatch.setenv("HOOK", f"{server.url}{PATH}")
        result = await told(a_channel(Chat(kind="slack", url="env://HOOK")))
    assert [one.attempts for one in result.deliveries] == [1]
    assert "HTTP 429" in (result.deliveries[0].error or "")


async def test_one_that_does_not_answer_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        port = listener.extra(SocketAttribute.local_port)  # noqa: S610 - of no database
        monkeypatch.setenv("HOOK", f"http://127.0.0.1:{port}{PATH}")
        result = await told(a_channel(Chat(kind="slack", url="env://HOOK"), timeout_s=1))
    assert result.deliveries[0].error == "it took longer than 1 s"


async def test_a_webhook_is_signed_as_its_specification_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - of the specification
    monkeypatch.setenv("KEY", secret)
    with receiving(Reply(status=503), Reply(status=204)) as server:
        monkeypatch.setenv("HOOK", f"{server.url}/in?key=abc")
        where = Webhook(url="env://HOOK", secret="env://KEY")
        result = await tell_now(where)
    assert result.complete
    first, second = server.asked
    assert first.headers["webhook-id"] == second.headers["webhook-id"]  # it is taken once
    document: Any = Verifier(secret).verify(second.body, second.headers)
    assert document["type"] == "deploy.rolled-back"
    assert document["data"]["schema"] == "keelway.delivery/1"
    assert document["data"]["images"] == dict(an_entry().images)
    assert document["data"]["actor"]["run_url"] == RUN_URL


async def tell_now(where: Webhook) -> Told:
    from datetime import UTC, datetime  # noqa: PLC0415 - a verifier looks at the clock

    return await told(a_channel(where), an_entry(at=datetime.now(UTC)))


class Hub:
    """As much of GitHub as is asked: it keeps deployments and refuses what it does not document."""

    def __init__(self) -> None:
        self.deployments: list[dict[str, Any]] = []
        self.statuses: dict[int, list[dict[str, Any]]] = {}
        self.commit: list[dict[str, Any]] = []

    def answer(self, asked: Asked) -> Reply:
        assert asked.headers["authorization"] == "Bearer gh-token"
        assert asked.headers["accept"] == "application/vnd.github+json"
        assert asked.headers["x-github-api-version"] == "2022-11-28"
        path = asked.path.partition("?")[0].removeprefix("/repos/acme/shop")
        document = json.loads(asked.body) if asked.body else {}
        if path == f"/statuses/{SHA}":
            jsonschema.validate(document, COMMIT_STATUS)
            self.commit.append(document)
            return made(document)
        if path == "/deployments" and asked.method == "POST":
            jsonschema.validate(document, DEPLOYMENT)
            document["id"] = len(self.deployments) + 1
            self.deployments.insert(0, document)
            self.statuses[document["id"]] = []
            return made(document)
        if path == "/deployments":
            assert f"sha={SHA}&environment=production" in asked.path
            return made(self.deployments, 200)
        number = int(path.split("/")[2])
        if asked.method == "GET":
            return made(self.statuses[number], 200)
        jsonschema.validate(document, DEPLOYMENT_STATUS)
        self.statuses[number].insert(0, document)
        return made(document)


def made(document: object, status: int = 201) -> Reply:
    return Reply(status=status, body=json.dumps(document).encode())


async def test_a_deployment_in_github_from_its_start_to_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TOKEN", "gh-token")
    hub = Hub()
    with receiving() as server:
        server.answer = hub.answer
        where = GitHub(kind="github-deployment", token="env://TOKEN", api=server.url,
                       repository="acme/shop", sha=SHA,
                       environment_url="https://shop.example.com")  # fmt: skip
        channel = a_channel(where)
        for outcome in ("started", "succeeded", "started", "rolled-back"):
            assert (await told(channel, an_entry(outcome=DeliveryOutcome(outcome)))).complete
    second, first = hub.deployments
    assert [one["state"] for one in hub.statuses[first["id"]]] == ["success", "in_progress"]
    assert [one["state"] for one in hub.statuses[second["id"]]] == ["failure", "in_progress"]
    assert (first["ref"], first["environment"], first["task"]) == (SHA, "production", "deploy")
    assert first["payload"]["keelway"]["version"] == "1.2.3"
    status = hub.statuses[first["id"]][0]
    assert (status["log_url"], status["environment_url"]) == (RUN_URL, "https://shop.example.com")


async def test_a_commits_status_in_github(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "gh-token")
    hub = Hub()
    with receiving() as server:
        server.answer = hub.answer
        where = GitHub(kind="github-status", token="env://TOKEN", api=server.url,
                       repository="acme/shop", sha=SHA)  # fmt: skip
        assert (await told(a_channel(where), an_entry(version="v" * 300))).complete
    [status] = hub.commit
    assert status["state"] == "failure"
    assert status["context"] == "keelway/deploy/production"
    assert status["description"].endswith("…")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("https://x:abc/verysecret", "is no address"),
        ("http://hooks.example.com/verysecret", "begins with https://"),
        ("verysecret", "begins with https://"),
        ("http://127.0.0.1:1/verysecret", "127.0.0.1 cannot be reached"),
    ],
)
async def test_no_failure_shows_the_address(
    value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", value)
    result = await told(a_channel(Chat(kind="slack", url="env://HOOK"), attempts=1))
    error = result.deliveries[0].error or ""
    assert said in error
    assert "verysecret" not in error


async def test_a_service_that_repeats_the_address_does_not_get_it_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with receiving(Reply(status=404, body=f"no such hook: {PATH}".encode())) as server:
        monkeypatch.setenv("HOOK", f"{server.url}{PATH}")
        result = await told(a_channel(Chat(kind="slack", url="env://HOOK")))
    assert result.deliveries[0].error == "127.0.0.1 answered HTTP 404: no such hook: ***"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("env://NOT_SET", "the environment variable is not set"),
        ("file:///no/such/file", "No such file or directory"),
        ("cmd://exit 3", "the command ended with code 3"),
        ("op://vault/item/field", "is read by an engine"),
    ],
)
async def test_a_secret_that_cannot_be_read(source: str, said: str) -> None:
    result = await told(a_channel(Chat(kind="slack", url=source)))
    assert said in (result.deliveries[0].error or "")


async def test_one_that_fails_keeps_no_other_from_being_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard = Listener()
    with receiving() as server:
        monkeypatch.setenv("HOOK", f"{server.url}{PATH}")
        bad = a_channel(Chat(kind="slack", url="env://NOT_SET"), name="bad")
        good = a_channel(Chat(kind="teams", url="env://HOOK"), name="good")
        spec = NotifySpec(channels=(bad, good))
        result = await tell(Herald(observer=heard), spec, an_entry())
    assert [one.sent for one in result.deliveries] == [False, True]
    assert any("warning: bad was not told" in note for note in heard.notes())


async def test_who_does_not_want_to_hear_of_it_does_not() -> None:
    spec = NotifySpec(
        channels=(
            a_channel(Chat(kind="slack", url="env://X"), on=(parse_occasion("release"),)),
            a_channel(Chat(kind="slack", url="env://X"), environments=("staging",)),
        )
    )
    assert (await tell(Herald(), spec, an_entry())).deliveries == ()
