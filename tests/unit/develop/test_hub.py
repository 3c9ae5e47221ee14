"""What the reporter says arrives as lines and standings; what others say does not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio

from keelway.develop.hub import Hub, open_hub

if TYPE_CHECKING:
    from keelway.develop.standing import Standing


@dataclass
class Heard:
    """A listener that keeps all it is told."""

    lines: list[tuple[str, str]] = field(default_factory=list)
    standings: list[Standing] = field(default_factory=list)

    def wrote(self, service: str, text: str) -> None:
        self.lines.append((service, text))

    def came(self, standing: Standing) -> None:
        self.standings.append(standing)

    def noted(self, service: str, text: str) -> None:
        raise AssertionError(service, text)


async def reported(*sent: str, secrets: tuple[str, ...] = ()) -> Heard:
    """Return what is heard of one connection after the other; `TOKEN` stands for the hub's."""
    heard = Heard()
    async with open_hub(("web",), heard) as hub, anyio.create_task_group() as group:
        hub.hidden = lambda: secrets
        group.start_soon(hub.serve, group)
        for text in sent:
            await _say(hub, text.replace("TOKEN", hub.token))
        hub.close()
        group.cancel_scope.cancel()
    return heard


async def _say(hub: Hub, text: str) -> None:
    async with await anyio.connect_tcp("127.0.0.1", hub.port) as stream:
        await stream.send(text.encode())
        await stream.send_eof()
        # The hub closes its side when it has taken all.
        async for _ in stream:
            raise AssertionError("the hub has nothing to say")


async def test_lines_and_standings_arrive() -> None:
    heard = await reported(
        "TOKEN web\none\r\ntwo\nthe last", "TOKEN @\nweb|exited|3|0|\nnonsense\n"
    )
    assert heard.lines == [("web", "one"), ("web", "two"), ("web", "the last")]
    assert [one.told for one in heard.standings] == ["web exited with code 3"]


async def test_who_does_not_know_the_word_is_not_heard() -> None:
    assert (await reported("other web\nforged\n", "web\n")).lines == []


async def test_secrets_are_masked() -> None:
    heard = await reported("TOKEN web\nit is tr0ub4dor\n", secrets=("tr0ub4dor",))
    assert heard.lines == [("web", "it is ***")]


async def test_a_line_without_an_end_is_no_reason_to_wait_for_ever() -> None:
    heard = await reported("TOKEN web\n" + "x" * 200_000 + "\nnext\n")
    assert "".join(text for _, text in heard.lines) == "x" * 200_000 + "next"
