"""Whether services answer that have no health check."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from keelway.deploy.asking import ask
from keelway.deploy.host import STAGE
from keelway.errors import StageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.deploy.host import Host

_PAUSE_S = 0.25
_ANSWER_S = 5


async def wait_until_answering(host: Host, urls: Sequence[str], timeout_s: float) -> None:
    """Return when every URL gives an answer, whatever it is; where nobody can ask, at once.

    Args:
        host: Who asks.
        urls: What is asked, one after the other.
        timeout_s: Seconds that they have together.

    Raises:
        StageError: One does not in time.
    """
    for url in urls:
        said = ""
        try:
            with anyio.fail_after(timeout_s):
                while True:
                    answer = await ask(host, url, timeout_s=_ANSWER_S)
                    if answer.status is not None or not answer.asked:
                        break
                    said = answer.said
                    await anyio.sleep(_PAUSE_S)
        except TimeoutError:
            raise StageError(
                f"{url} on {host.name} gave no answer in {timeout_s:g} s",
                stage=STAGE,
                why=said or None,
                next_step="see what the service listens at; a health check would tell more",
            ) from None
