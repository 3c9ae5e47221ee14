"""Each service's message: its documented form and limits, and nobody called by a name in it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from slack_sdk.models.blocks import Block, HeaderBlock, SectionBlock

from keelway.model.history import Actor, DeliveryEvent, DeliveryOutcome
from keelway.notify.discord import discord_request
from keelway.notify.mail import mail
from keelway.notify.slack import slack_request
from keelway.notify.spec import Mail
from keelway.notify.teams import teams_request
from keelway.notify.wording import word
from tests.support import teams_form
from tests.support.told import AT, DIGEST, RUN_URL, an_entry

if TYPE_CHECKING:
    from keelway.notify.request import Request

LONG = "e\u0301x<&>*`\\@everyone <!channel> 🚀\n" * 300
NASTY = "<!channel> @everyone <@U123> [x](http://evil) *b* </at>"
BIG = an_entry(
    project=LONG,
    version=LONG,
    environment=LONG,
    reason=LONG,
    hosts=(LONG,) * 5,
    images={f"image{number}": LONG for number in range(20)},
    actor=Actor(who=LONG, where=LONG, run_url=f"https://ci.example.com/{'x' * 5000}"),
)


def body(request: Request) -> dict[str, Any]:
    assert request.headers["Content-Type"].startswith("application/json")
    document: dict[str, Any] = json.loads(request.body)
    return document


def texts(value: object) -> list[str]:
    """Return every text of a document."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for one in inner for text in texts(one)]


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@pytest.mark.parametrize("template", [None, "{{reason}} {{images}}", "v{{version}}"])
@pytest.mark.parametrize("entry", [an_entry(), BIG, an_entry(reason=None, images={}, hosts=())])
def test_slack_takes_it(entry: Any, template: str | None) -> None:
    document = body(slack_request(word(entry, template)))
    assert set(document) == {"text", "blocks", "unfurl_links", "unfurl_media"}
    assert len(document["text"]) <= 4000
    assert 1 <= len(document["blocks"]) <= 50
    blocks = Block.parse_all(document["blocks"])
    assert {type(one) for one in blocks} <= {HeaderBlock, SectionBlock}
    for one in blocks:
        one.validate_json()  # Slack's own limits
    for block in document["blocks"]:
        for field in block.get("fields", ()):
            assert 1 <= utf16(field["text"]) <= 2000
        if "text" in block:
            limit = 150 if block["type"] == "header" else 3000
            assert 1 <= utf16(block["text"]["text"]) <= limit


@pytest.mark.parametrize("template", [None, "{{reason}} {{images}}"])
@pytest.mark.parametrize("entry", [an_entry(), BIG])
def test_discord_takes_it(entry: Any, template: str | None) -> None:
    document = body(discord_request(word(entry, template)))
    assert document["allowed_mentions"] == {"parse": []}
    [embed] = document["embeds"]
    assert 1 <= utf16(embed["title"]) <= 256
    assert utf16(embed.get("description", "")) <= 4096
    fields = embed.get("fields", [])
    assert len(fields) <= 25
    for field in fields:
        assert 1 <= utf16(field["name"]) <= 256
        assert 1 <= utf16(field["value"]) <= 1024
    counted = [embed["title"], embed.get("description", "")]
    counted += [text for field in fields for text in (field["name"], field["value"])]
    assert sum(utf16(text) for text in counted) <= 6000


@pytest.mark.parametrize("template", [None, "{{reason}} {{images}}"])
@pytest.mark.parametrize("entry", [an_entry(), BIG])
def test_teams_takes_it(entry: Any, template: str | None) -> None:
    request = teams_request(word(entry, template))
    jsonschema.validate(body(request), teams_form.MESSAGE)
    assert len(request.body) <= teams_form.LIMIT_BYTES


def test_what_happened_is_told() -> None:
    for make in (slack_request, discord_request, teams_request):
        shown = " ".join(texts(body(make(word(an_entry())))))
        for part in ("deployment to production failed", "1.2.3", "1.2.2", "web1.example.com",
                     "unhealthy", "1 min 15 s", "ann", "GitHub Actions", DIGEST):  # fmt: skip
            assert part in shown.replace("\\", ""), (make, part)
        assert "https://ci.example.com/shop/runs/7" in shown


def test_nobody_is_called_by_what_somebody_else_wrote() -> None:
    entry = an_entry(reason=NASTY, version=NASTY, actor=Actor(who=NASTY, where="x"))
    for template in (None, "{{reason}}", "{{{reason}}}"):
        slack = " ".join(texts(body(slack_request(word(entry, template)))["blocks"][1:]))
        assert "<!channel>" not in slack
        assert "<@U123>" not in slack
        assert "&lt;!channel&gt;" in slack
        discord = " ".join(texts(body(discord_request(word(entry, template)))))
        teams = " ".join(texts(body(teams_request(word(entry, template)))))
        for shown in (slack, discord, teams):
            assert "@everyone" not in shown
        for shown in (discord, teams):
            assert "\\[x\\](" in shown
            assert "\\*b\\*" in shown


def test_the_digest_of_an_image_can_be_copied() -> None:
    shown = " ".join(texts(body(slack_request(word(an_entry())))))
    assert f"registry.example.com/shop/orders@{DIGEST}" in shown


def test_what_is_cut_ends_between_characters() -> None:
    message = word(an_entry(reason="a&" * 4000), "{{reason}}")
    text = body(slack_request(message))["blocks"][1]["text"]["text"]
    assert re.fullmatch("(a&amp;)+a?…", text)
    message = word(an_entry(reason="a*" * 4000), "{{reason}}")
    description = body(discord_request(message))["embeds"][0]["description"]
    assert re.fullmatch(r"(a\\\*)+a?…", description)


def test_own_words_around_escaped_values() -> None:
    message = word(an_entry(version="<1>"), "*{{version}}* for <!here>")
    assert body(slack_request(message))["blocks"][1]["text"]["text"] == "*&lt;1&gt;* for <!here>"


def test_a_link_that_is_none_is_left_out() -> None:
    entry = an_entry(actor=Actor(who="ann", where="x", run_url="javascript:alert(1)"))
    for make in (discord_request, teams_request, slack_request):
        assert "javascript" not in make(word(entry)).body.decode()


def test_secrets_in_a_reason_are_masked() -> None:
    entry = an_entry(reason="pull https://ann:hunter2@registry.example.com failed")
    for make in (slack_request, discord_request, teams_request):
        assert b"hunter2" not in make(word(entry)).body


def test_an_e_mail_is_one_whatever_is_in_it() -> None:
    where = Mail(host="x", port=25, tls="none", sender="ci@example.com", to=("ops@example.com",))
    letter = mail(where, word(an_entry(version="1\r\nBcc: all@example.com")), at=AT)
    assert letter["Bcc"] is None
    assert letter["To"] == "ops@example.com"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Message-ID"].endswith("@example.com>")
    assert letter["Date"] == "Sat, 21 Nov 2026 20:15:30 +0000"
    assert letter.get_content_type() == "text/plain"
    content = letter.get_content()
    assert "Hosts: web1.example.com, web2.example.com" in content
    assert RUN_URL in content
    raw = mail(where, word(BIG), at=AT).as_bytes()
    assert max(len(line) for line in raw.splitlines()) <= 998


@pytest.mark.parametrize(
    ("event", "outcome", "environment", "said"),
    [
        ("release", "succeeded", "", "shop 1.2.3: release succeeded"),
        ("promote", "failed", "staging", "shop 1.2.3: promotion to staging failed"),
        ("deploy", "started", "production", "shop 1.2.3: deployment to production has started"),
        ("rollback", "succeeded", "production", "shop 1.2.3: rollback of production succeeded"),
    ],
)
def test_headlines(event: str, outcome: str, environment: str, said: str) -> None:
    entry = an_entry(
        event=DeliveryEvent(event), outcome=DeliveryOutcome(outcome), environment=environment
    )
    assert word(entry).headline == said
