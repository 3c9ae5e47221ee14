"""The publish stage: what is pushed where, what is tried again, what is told when it fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keelway._pushing import is_transient
from keelway.errors import PlanError, PublishError
from keelway.model.registry import LoginSpec, PublishedName, RegistrySpec, RetrySpec
from keelway.stages.publish import PublishSpec, publish
from keelway.tags.moving import Floating
from keelway.tags.versions import read_version
from tests.support.built import DIGEST, OTHER_DIGEST, built, verified
from tests.support.recording import Chain, Failure

if TYPE_CHECKING:
    from keelway._stage import Run
    from tests.support.observing import Listener
    from tests.support.recording import RecordingEngine

HERE, THERE = RegistrySpec(url="localhost:5000/demo"), RegistrySpec(url="registry.test/team/")
LOGIN = LoginSpec(username="ci", password="env://REGISTRY_PASSWORD")
QUICK = RetrySpec(attempts=3, delay_s=0.001)


def pushed(chain: Chain) -> str:
    return f"{chain['publish']['address']}@{DIGEST}"


async def test_every_tag_goes_to_every_registry(run: Run, engine: RecordingEngine) -> None:
    engine.answer("publish", pushed)
    spec = PublishSpec(registries=(HERE, THERE), tags=("1.0", "latest"))
    done = await publish(run, spec, verified(built(run, "orders", "worker")))
    addresses = sorted(chain["publish"]["address"] for chain in engine.asked("publish"))
    assert addresses == sorted(
        f"{prefix}/{name}:{tag}"
        for prefix in ("localhost:5000/demo", "registry.test/team")
        for name in ("orders", "worker")
        for tag in ("1.0", "latest")
    )
    assert [image.name for image in done.images] == ["orders", "worker"]
    assert done.images[0].digest == DIGEST
    assert done.images[0].tags[0].reference == f"localhost:5000/demo/orders:1.0@{DIGEST}"
    assert done.images[0].references() == (
        f"localhost:5000/demo/orders@{DIGEST}",
        f"registry.test/team/orders@{DIGEST}",
    )


async def test_images_that_share_a_repository_are_told_apart_by_the_end_of_their_tags(
    run: Run, engine: RecordingEngine
) -> None:
    engine.answer("publish", pushed)
    names = {
        name: PublishedName(repository="shop", suffix=f"-{name}") for name in ("orders", "worker")
    }
    spec = PublishSpec(registries=(HERE,), tags=("1.0", "latest"), names=names)
    done = await publish(run, spec, verified(built(run, "orders", "worker")))
    assert sorted(tag.reference for image in done.images for tag in image.tags) == [
        f"localhost:5000/demo/shop:1.0-orders@{DIGEST}",
        f"localhost:5000/demo/shop:1.0-worker@{DIGEST}",
        f"localhost:5000/demo/shop:latest-orders@{DIGEST}",
        f"localhost:5000/demo/shop:latest-worker@{DIGEST}",
    ]


async def test_a_registry_that_does_not_list_its_tags_gets_only_those_that_never_move(
    run: Run, engine: RecordingEngine
) -> None:
    engine.answer("publish", pushed)
    version = read_version("semver", "1.2.3")
    assert version is not None
    nobody = RegistrySpec(url="127.0.0.1:1/demo")
    moving = (Floating(tag="latest", version=version),)
    spec = PublishSpec(registries=(nobody,), tags=("1.2.3", "latest"), moving=moving)
    with pytest.raises(PublishError) as caught:
        await publish(run, spec, verified(built(run, "orders")))
    assert [chain["publish"]["address"] for chain in engine.asked("publish")] == [
        "127.0.0.1:1/demo/orders:1.2.3"
    ]
    (failed,) = caught.value.failed
    assert failed.startswith("127.0.0.1:1/demo/orders:latest: ")
    assert 'tags.moving is "free"' in failed


async def test_all_platforms_go_as_one_index(run: Run, engine: RecordingEngine) -> None:
    engine.answer("publish", pushed)
    await publish(run, PublishSpec(registries=(HERE,)), verified(built(run, "orders")))
    (chain,) = engine.asked("publish")
    assert chain.calls[0].text == "container"
    variants = [variant["withLabel"]["value"] for variant in chain["publish"]["platformVariants"]]
    assert variants == ["orders linux/amd64", "orders linux/arm64"]


async def test_a_login_is_for_its_own_host(run: Run, engine: RecordingEngine) -> None:
    engine.answer("publish", pushed)
    engine.answer("plaintext", "pa55word")
    registry = RegistrySpec(url="localhost:5000/demo", login=LOGIN)
    await publish(run, PublishSpec(registries=(registry, THERE)), verified(built(run, "orders")))
    by_host = {chain["publish"]["address"][:9]: chain for chain in engine.asked("publish")}
    auth = by_host["localhost"]["withRegistryAuth"]
    assert (auth["address"], auth["username"]) == ("localhost:5000", "ci")
    assert auth["secret"]["secret"] == {"uri": "env://REGISTRY_PASSWORD"}
    assert "withRegistryAuth" not in by_host["registry."]


async def test_a_missing_password_stops_it_before_any_push(
    run: Run, engine: RecordingEngine
) -> None:
    engine.answer("plaintext", Failure("secret env var not found"))
    spec = PublishSpec(registries=(THERE, RegistrySpec(url="localhost:5000/demo", login=LOGIN)))
    with pytest.raises(PlanError, match="password for localhost:5000/demo cannot be read"):
        await publish(run, spec, verified(built(run, "orders")))
    assert not engine.asked("publish")


async def test_a_network_error_is_tried_again(
    run: Run, engine: RecordingEngine, heard: Listener
) -> None:
    answers = iter([Failure("connection refused"), Failure("status code: 503"), None])
    engine.answer("publish", lambda chain: next(answers) or pushed(chain))
    spec = PublishSpec(registries=(HERE,), retry=QUICK)
    done = await publish(run, spec, verified(built(run, "orders")))
    assert done.images[0].digest == DIGEST
    assert len(engine.asked("publish")) == 3
    assert sum("trying again" in note for note in heard.notes()) == 2


async def test_trying_has_an_end(run: Run, engine: RecordingEngine) -> None:
    engine.answer("publish", Failure("dial tcp 127.0.0.1:5000: connection refused"))
    spec = PublishSpec(registries=(HERE,), tags=("1", "2"), retry=QUICK)
    with pytest.raises(PublishError) as raised:
        await publish(run, spec, verified(built(run, "orders")))
    text = raised.value.diagnostics()
    assert "localhost:5000/demo/orders:1" in text
    assert "tried 3 times" in text
    assert "not tried: 2" in text, "nobody answers there: a second tag changes nothing"
    assert "nothing was published" in text
    assert len(engine.asked("publish")) == 3


async def test_a_refusal_is_not_tried_again(run: Run, engine: RecordingEngine) -> None:
    engine.answer("publish", Failure("denied: requested access to the resource is denied"))
    spec = PublishSpec(registries=(HERE,), retry=QUICK)
    with pytest.raises(PublishError, match="localhost:5000/demo/orders:latest failed") as raised:
        await publish(run, spec, verified(built(run, "orders")))
    assert len(engine.asked("publish")) == 1
    assert "denied" in raised.value.failed[0]
    assert "tried" not in raised.value.failed[0]


async def test_one_registry_that_fails_does_not_stop_the_others(
    run: Run, engine: RecordingEngine
) -> None:
    def answer(chain: Chain) -> object:
        there = chain["publish"]["address"].startswith("registry.test")
        return Failure("unauthorized") if there else pushed(chain)

    engine.answer("publish", answer)
    spec = PublishSpec(registries=(THERE, HERE), tags=("1.0", "latest"), retry=QUICK)
    with pytest.raises(PublishError) as raised:
        await publish(run, spec, verified(built(run, "orders", "worker")))
    error = raised.value
    assert error.exit_code == 5
    assert [line.split(": ")[0] for line in error.failed] == [
        f"registry.test/team/{name}:{tag}"
        for name in ("orders", "worker")
        for tag in ("1.0", "latest")
    ]
    assert len(error.done) == 4
    assert f"already published: localhost:5000/demo/worker:latest@{DIGEST}" in error.diagnostics()
    assert [image.name for image in error.partial.images] == ["orders", "worker"]  # type: ignore[attr-defined] # typed as object: any stage has one


async def test_a_registry_that_does_not_answer_is_missing_while_its_fall_back_has_all(
    run: Run, engine: RecordingEngine, heard: Listener
) -> None:
    def answer(chain: Chain) -> object:
        there = chain["publish"]["address"].startswith("registry.test")
        return Failure("connection refused") if there else pushed(chain)

    engine.answer("publish", answer)
    other = RegistrySpec(url="localhost:5000/demo", fallback_of=THERE.url)
    spec = PublishSpec(registries=(THERE, other), tags=("1.0", "latest"), retry=QUICK)
    done = await publish(run, spec, verified(built(run, "orders")))
    assert done.images[0].references() == (f"localhost:5000/demo/orders@{DIGEST}",)
    assert [line.partition(": ")[0] for line in done.missing] == [
        "registry.test/team/orders:1.0",
        "registry.test/team/orders",
    ]
    assert any("missing: registry.test/team/orders:1.0" in note for note in heard.notes())


@pytest.mark.parametrize("reason", ["unauthorized", "connection refused"])
async def test_a_fall_back_does_not_hide_what_is_refused_nor_stand_in_for_others(
    run: Run, engine: RecordingEngine, reason: str
) -> None:
    def answer(chain: Chain) -> object:
        there = chain["publish"]["address"].startswith("registry.test")
        return Failure(reason) if there else pushed(chain)

    engine.answer("publish", answer)
    stands_in = THERE.url if reason == "unauthorized" else "elsewhere.test"
    other = RegistrySpec(url="localhost:5000/demo", fallback_of=stands_in)
    spec = PublishSpec(registries=(THERE, other), retry=QUICK)
    with pytest.raises(PublishError, match=r"registry\.test/team/orders:latest failed"):
        await publish(run, spec, verified(built(run, "orders")))


async def test_registries_must_agree_on_the_digest(run: Run, engine: RecordingEngine) -> None:
    def answer(chain: Chain) -> str:
        address = chain["publish"]["address"]
        return f"{address}@{OTHER_DIGEST if address.endswith('latest') else DIGEST}"

    engine.answer("publish", answer)
    spec = PublishSpec(registries=(HERE,), tags=("1.0", "latest"))
    with pytest.raises(PublishError) as raised:
        await publish(run, spec, verified(built(run, "orders")))
    assert "different digests" in raised.value.failed[0]


async def test_an_answer_without_a_digest_is_an_error(run: Run, engine: RecordingEngine) -> None:
    engine.answer("publish", "localhost:5000/demo/orders:latest")
    with pytest.raises(PublishError, match="not everything"):
        await publish(run, PublishSpec(registries=(HERE,)), verified(built(run, "orders")))


async def test_a_password_is_never_in_an_error(run: Run, engine: RecordingEngine) -> None:
    engine.answer("plaintext", "pa55word")
    engine.answer("publish", Failure("denied for ci:pa55word"))
    spec = PublishSpec(registries=(RegistrySpec(url="localhost:5000/demo", login=LOGIN),))
    with pytest.raises(PublishError) as raised:
        await publish(run, spec, verified(built(run, "orders")))
    assert "pa55word" not in raised.value.diagnostics()


@pytest.mark.parametrize(
    ("message", "transient"),
    [
        ("dial tcp 127.0.0.1:5000: connect: connection refused", True),
        ("read: connection reset by peer", True),
        ("net/http: TLS handshake timeout", True),
        ("unexpected status from PUT request to https://r/v2/: 503 Service Unavailable", True),
        ("received unexpected HTTP status: 502 Bad Gateway", True),
        ("StatusCode: 500", True),
        ("status code 429", True),
        ("toomanyrequests: rate limit", True),
        ("lookup registry.test: no such host", True),
        ("unauthorized: authentication required", False),
        ("denied: requested access to the resource is denied", False),
        ("status code 401", False),
        ("status code 404 on localhost:5000/demo/orders", False),
        ("manifest invalid", False),
        ("localhost:5000/app:503: name unknown", False),
    ],
)
def test_what_is_worth_another_try(message: str, *, transient: bool) -> None:
    assert is_transient(message) is transient
