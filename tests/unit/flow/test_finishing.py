"""What one registry does not take is told when the others have everything."""

from __future__ import annotations

import pytest

from keelway.errors import PublishError
from keelway.finishing import FinishingOthers


async def _stage(*done: str, failed: str | None = None) -> tuple[str, ...]:
    if failed is not None:
        raise PublishError(f"{failed} failed", failed=[failed], done=done, partial=done)
    return done


async def test_what_follows_is_done_with_what_is_there() -> None:
    others = FinishingOthers()
    assert await others.first(_stage("a", failed="b"), kind=tuple) == ("a",)
    assert await others.first(_stage("a signed"), kind=tuple) == ("a signed",)
    assert await others.first(_stage("a stated", failed="c"), kind=tuple) == ("a stated",)
    with pytest.raises(PublishError, match="b failed") as caught:
        others.raise_failure()
    assert "also failed: c failed" in caught.value.diagnostics()


async def test_where_nothing_is_there_nothing_follows() -> None:
    with pytest.raises(PublishError, match="b failed"):
        await FinishingOthers().first(_stage(failed="b"), kind=tuple)


async def test_without_a_failure_there_is_none_to_tell() -> None:
    others = FinishingOthers()
    await others.first(_stage("a"), kind=tuple)
    others.raise_failure()
