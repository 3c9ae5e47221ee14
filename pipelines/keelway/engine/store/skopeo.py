"""`skopeo`, which moves images between registries and the store's blobs.

Registries on the loopback are spoken to without TLS; for all others the user's containers
configuration holds (mirrors, certificates, policy).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError, RegistryError, UnreachedError
from keelway.engine.store.credentials import login_file, outer_user
from keelway.engine.store.waited import check_waited

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from keelway.engine.store.reference import Reference

_PAUSES_S = (0.5, 1.5)
"""How long to wait before each further try."""
STALLED_S = 120.0
"""A registry that neither takes nor gives anything for so long is given up."""
_LOOK_S = 1.0
_FATAL = re.compile(r'level=fatal msg="((?:[^"\\]|\\.)*)"')
_UNREACHED = re.compile(
    r"connection refused|no such host|i/o timeout|timed? ?out|connection reset|unexpected EOF|: EOF"
    r"|network is unreachable|no route to host|server misbehaving|Temporary failure|broken pipe"
    r"|TLS handshake|deadline exceeded|connection closed",
    re.IGNORECASE,
)
_BUSY = re.compile(
    r"toomanyrequests|too many requests|\b429\b|status(?: code)?:? ?5\d\d"
    r"|\b5\d\d (?:Internal|Bad|Service|Gateway)|service unavailable|internal server error"
    r"|bad gateway",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"unauthorized|denied|authentication required|forbidden|invalid username/password|\b40[13]\b",
    re.IGNORECASE,
)
_MISSING = re.compile(
    r"manifest unknown|name unknown|not found|no such manifest|repository name not known|\b404\b",
    re.IGNORECASE,
)
_NOISE = re.compile(
    r'^Error parsing image name "[^"]*": '
    r"|(?:initializing source|writing manifest to image destination|trying to reuse blob [^ ]* at "
    r"destination|determining manifest MIME type for [^ ]*|initializing destination [^ ]*): "
)
_POLICIES = ("~/.config/containers/policy.json", "/etc/containers/policy.json")


def skopeo(
    arguments: Sequence[str],
    *,
    reference: Reference,
    logins: Mapping[str, tuple[str, str]],
    temporary: Path,
    doing: str,
) -> bytes:
    """Run `skopeo` and return what it wrote; network errors and busy registries get more tries.

    `doing` says what is done, as in "pull localhost:5000/x".

    Raises:
        UnreachedError: The registry was not reached, failed or is too busy.
        RegistryError: It refused, or does not have it.
        EngineError: There is no `skopeo`.
    """
    message = ""
    passing = False
    for pause in (*_PAUSES_S, None):
        code, output, message = _run(arguments, reference, logins, temporary)
        if code == 0:
            return output
        passing = code < 0 or bool(_UNREACHED.search(message) or _BUSY.search(message))
        if pause is None or not passing:
            break
        time.sleep(pause)
    kind = UnreachedError if passing else RegistryError
    raise kind(_explain(message, reference, doing))


_STARTED_BY: ContextVar[tuple[str, ...]] = ContextVar("keelway_skopeo", default=())


@contextlib.contextmanager
def started_by(words: tuple[str, ...]) -> Generator[None]:
    """Put these words before each `skopeo` that this thread starts in the block.

    What starts it leads to a registry that is a service of the session: it may speak without TLS,
    or with a certificate that nobody has vouched for, as no host but the session's own is asked.
    """
    token = _STARTED_BY.set(words)
    try:
        yield
    finally:
        _STARTED_BY.reset(token)


def transport(reference: Reference) -> str:
    """Return a reference as `skopeo` takes it: by digest if there is one, else by tag."""
    if reference.digest:
        return f"docker://{reference.name}@{reference.digest}"
    return f"docker://{reference.name}:{reference.tag or 'latest'}"


def _run(
    arguments: Sequence[str],
    reference: Reference,
    logins: Mapping[str, tuple[str, str]],
    temporary: Path,
) -> tuple[int, bytes, str]:
    command = [*_STARTED_BY.get(), "skopeo", "--tmpdir", str(temporary)]
    if not any(Path(path).expanduser().exists() for path in _POLICIES):
        command.append("--insecure-policy")
    command.extend(arguments)
    with login_file(logins) as descriptor:
        passed: tuple[int, ...] = ()
        if descriptor is not None:
            # Each process opens the file anew by its own number.
            command.extend(["--authfile", f"/proc/self/fd/{descriptor}"])
            passed = (descriptor,)
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=passed,
                env=_environment(),
            )
        except FileNotFoundError:
            raise EngineError(
                f"skopeo is needed to reach the registry {reference.host}: "
                "install the package skopeo"
            ) from None
        return _finish(process)


def _finish(process: subprocess.Popen[bytes]) -> tuple[int, bytes, str]:
    """Wait for `skopeo` for as long as it moves bytes; return its code, output and message.

    It has no time-outs of its own once a registry has accepted its connection.
    """
    moved, since = -1, time.monotonic()
    while True:
        try:
            output, errors = process.communicate(timeout=_LOOK_S)
        except subprocess.TimeoutExpired:
            try:
                check_waited()
            except EngineError:
                process.kill()
                process.communicate()
                raise
            current = _moved(process.pid)
            if current != moved:
                moved, since = current, time.monotonic()
            elif time.monotonic() - since >= STALLED_S:
                process.kill()
                process.communicate()
                return 1, b"", f"timed out: nothing was sent or received for {STALLED_S:.0f} s"
        else:
            code = process.returncode
            ended = f"skopeo was ended by {signal.Signals(-code).name}" if code < 0 else ""
            return code, output, ended or _message(errors)


def _moved(pid: int) -> int:
    """Return how many bytes a process has read and written."""
    try:
        lines = Path(f"/proc/{pid}/io").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    counts = dict(line.split(": ") for line in lines)
    return int(counts["rchar"]) + int(counts["wchar"])


def _environment() -> dict[str, str]:
    """Tell `skopeo` who the user is behind root of a user namespace: it looks in other places."""
    environment = dict(os.environ)
    user = outer_user()
    if user:
        environment.setdefault("_CONTAINERS_ROOTLESS_UID", str(user))
    return environment


def _message(errors: bytes) -> str:
    """Return what `skopeo` failed with, without its logging around it."""
    text = errors.decode(errors="replace").strip()
    found = _FATAL.findall(text)
    if found:
        text = found[-1]
        with contextlib.suppress(ValueError):
            text = str(json.loads(f'"{text}"'))
    return _NOISE.sub("", text)


def _explain(message: str, reference: Reference, doing: str) -> str:
    """Say which registry it was, what was tried, and what to do."""
    host = reference.host
    scheme = "http or https (loopback)" if reference.loopback else "https"
    tries = f"{len(_PAUSES_S) + 1} tries"
    if _UNREACHED.search(message):
        return (
            f"can't {doing}: the registry {host} was not reached in {tries} over {scheme}: "
            f"{message}. Check its address and the network, or name a mirror in registries.conf"
        )
    if _BUSY.search(message):
        return f"can't {doing}: the registry {host} failed or is too busy, in {tries}: {message}"
    if _MISSING.search(message):
        return f"can't {doing}: not found in the registry {host}: {message}"
    if _DENIED.search(message):
        pull = doing.partition(" ")[0] != "push"
        hidden = "pull access denied, repository does not exist or may require authorization: "
        return (
            f"can't {doing}: {hidden * pull}the registry {host} refused access: {message}. "
            "Log in by withRegistryAuth, `skopeo login` or `docker login`"
        )
    return f"can't {doing}: the registry {host} was tried over {scheme}: {message}"


def tls_flag(reference: Reference, side: str = "") -> list[str]:
    """Return the option that allows plain http for a registry on loopback, or in a service."""
    return [f"--{side}tls-verify=false"] if reference.loopback or _STARTED_BY.get() else []
