"""A machine behind SSH: one connection, whose host key was checked, for all that is done there."""

from __future__ import annotations

import shlex
import signal
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio
import asyncssh

from keelway.deploy.host import HostError, Ran
from keelway.deploy.host_keys import Verifier, read_known_hosts, refused
from keelway.errors import PlanError
from keelway.model.host_address import SSH_PORT

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from keelway.model.host_address import HostAddress

AT_ONCE = 4
"""So many commands run at once on a host; servers allow ten by default."""

ATTEMPTS = 3
"""So often a connection is tried, or one that was lost while nothing was at risk."""

PAUSE_S = 1.0
"""Before the second attempt; each further one waits twice as long."""

KEEPALIVE_S = 10
_KEEPALIVES = 3
_NO_FILE = 44

_READ = 'if [ -e "$1" ]; then exec cat -- "$1"; else exit 44; fi'
# What a broken connection cut short must never take the place of what is whole.
_WRITE = """\
set -eu
path=$1 mode=$2 size=$3
umask 077
folder=${path%/*}
[ -d "$folder" ] || mkdir -p -- "$folder"
beside="$folder/.${path##*/}.$$"
trap 'rm -f -- "$beside"' EXIT
cat > "$beside"
[ "$(wc -c < "$beside")" -eq "$size" ] || { echo "only a part of it arrived" >&2; exit 1; }
chmod "$mode" "$beside"
sync "$beside" 2>/dev/null || :
mv -f -- "$beside" "$path"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SshAccess:
    """Where a host is, and how to be let in."""

    address: HostAddress
    known_hosts: str
    """The file with the keys that hosts must have; absolute."""
    key: str | None = field(default=None, repr=False)
    """The private key; without one the agent's are used, and those in `~/.ssh`."""
    key_password: str | None = field(default=None, repr=False)
    connect_timeout_s: float = 20


class SshHost:
    """A machine behind SSH; `open_ssh_host` gives one."""

    def __init__(self, access: SshAccess, name: str | None = None) -> None:
        """Keep where it is, and what people call it; nothing is connected yet."""
        port = "" if access.address.port == SSH_PORT else f":{access.address.port}"
        self.name = name or f"{access.address.host}{port}"
        self._access = access
        self._options = _options(access)
        self._connection: asyncssh.SSHClientConnection | None = None
        self._connecting = anyio.Lock()
        self._places = anyio.CapacityLimiter(AT_ONCE)

    async def run(self, words: Sequence[str], *, given: bytes = b"", timeout_s: float = 60) -> Ran:
        """Run a command; one that the connection was lost under is never begun again."""
        async with self._places:
            connection = await self._connected()
            try:
                return await _ran(connection, shlex.join(words), given, timeout_s)
            except (asyncssh.Error, OSError) as error:
                raise self._lost(f"while `{words[0]}` ran", error) from error

    async def read(self, path: str) -> bytes | None:
        """Return what is in a file; nothing when there is none."""
        ran = await self._repeated(("sh", "-c", _READ, "read", path), b"")
        if ran.code == _NO_FILE:
            return None
        if ran.code:
            raise HostError(
                f"{path} on {self.name} cannot be read", host=self.name, why=ran.complaint
            )
        return ran.stdout

    async def write(self, path: str, data: bytes, *, mode: int = 0o644) -> None:
        """Put a file in its place at once."""
        words = ("sh", "-c", _WRITE, "write", path, f"{mode:o}", str(len(data)))
        ran = await self._repeated(words, data)
        if ran.code:
            raise HostError(
                f"{path} on {self.name} cannot be written", host=self.name, why=ran.complaint
            )

    async def start(self, words: Sequence[str]) -> asyncssh.SSHClientProcess[bytes]:
        """Start a command whose streams are the caller's; whoever starts it closes it.

        Raises:
            HostError: The host cannot be reached.
        """
        connection = await self._connected()
        try:
            return await connection.create_process(shlex.join(words), encoding=None)
        except (asyncssh.Error, OSError) as error:
            raise self._lost(f"while `{words[0]}` was started", error) from error

    async def forward(self, port: int) -> asyncssh.SSHListener:
        """Listen on this machine's loopback for a port of the host's; whoever asks closes it.

        Raises:
            HostError: The host cannot be reached.
        """
        connection = await self._connected()
        try:
            return await connection.forward_local_port("127.0.0.1", 0, "127.0.0.1", port)
        except (asyncssh.Error, OSError) as error:
            raise self._lost(f"while port {port} was forwarded", error) from error

    async def connect(self) -> None:
        """Connect, and check the host's key.

        Raises:
            HostError: The host does not answer, shows another key, or does not let anybody in.
        """
        await self._connected()

    async def close(self) -> None:
        """End the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()
            await connection.wait_closed()

    async def _repeated(self, words: Sequence[str], given: bytes) -> Ran:
        """Run what may be done twice: where the connection is lost it is done again."""
        for attempt in range(1, ATTEMPTS):
            try:
                return await self.run(words, given=given)
            except HostError:
                if self._connection is not None and not self._connection.is_closed():
                    raise
                await anyio.sleep(PAUSE_S * 2 ** (attempt - 1))
        return await self.run(words, given=given)

    async def _connected(self) -> asyncssh.SSHClientConnection:
        async with self._connecting:
            if self._connection is None or self._connection.is_closed():
                self._connection = await self._opened()
            return self._connection

    async def _opened(self) -> asyncssh.SSHClientConnection:
        for attempt in range(1, ATTEMPTS):
            try:
                return await self._open()
            except (OSError, asyncssh.ConnectionLost):
                await anyio.sleep(PAUSE_S * 2 ** (attempt - 1))
        try:
            return await self._open()
        except (OSError, asyncssh.ConnectionLost) as error:
            raise self._away(error) from error

    async def _open(self) -> asyncssh.SSHClientConnection:
        address = self._access.address
        host = str(address.host)
        known = read_known_hosts(self._access.known_hosts, host)
        verifier = Verifier()
        try:
            return await asyncssh.connect(
                host,
                address.port,
                client_factory=lambda: verifier,
                known_hosts=known.parsed(),
                **self._options,
            )
        except asyncssh.HostKeyNotVerifiable as error:
            raise refused(known, verifier, host, address.port, str(error)) from error
        except asyncssh.PermissionDenied as error:
            raise HostError(
                f"{self.name} does not let us in",
                host=self.name,
                why=str(error),
                next_step="set ssh_key, load the key into the SSH agent, or add its public half to "
                "the account's authorized_keys there",
            ) from error
        except asyncssh.ConnectionLost:
            raise
        except asyncssh.Error as error:
            raise self._away(error) from error

    def _away(self, error: Exception) -> HostError:
        return HostError(
            f"{self.name} cannot be reached by SSH",
            host=self.name,
            why=str(error) or f"no answer in {self._access.connect_timeout_s:g} s",
            next_step=f"look whether `ssh {self._access.address}` works from here",
        )

    def _lost(self, when: str, error: Exception) -> HostError:
        return HostError(
            f"the connection to {self.name} was lost {when}",
            host=self.name,
            why=str(error) or type(error).__name__,
            next_step="run the same again once the host can be reached: it repairs what is half "
            "done",
        )


@asynccontextmanager
async def open_ssh_host(access: SshAccess, name: str | None = None) -> AsyncGenerator[SshHost]:
    """Give a host that was reached, until the end of the block.

    Args:
        access: Where it is.
        name: What people call it; its own name when absent.

    Raises:
        HostError: It does not answer, shows another key, or does not let anybody in.
        PlanError: The private key is none.
    """
    host = SshHost(access, name)
    try:
        await host.connect()
        yield host
    finally:
        with anyio.CancelScope(shield=True):
            await host.close()


def _options(access: SshAccess) -> dict[str, Any]:
    options: dict[str, Any] = {
        "connect_timeout": access.connect_timeout_s,
        "login_timeout": access.connect_timeout_s,
        "keepalive_interval": KEEPALIVE_S,
        "keepalive_count_max": _KEEPALIVES,
        "password_auth": False,
        "kbdint_auth": False,
    }
    if access.address.user is not None:
        options["username"] = access.address.user
    if access.key is not None:
        options |= {"client_keys": [_private_key(access)], "agent_path": None}
    return options


def _private_key(access: SshAccess) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_private_key(access.key or "", access.key_password)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        # What the library says may repeat what it read.
        raise PlanError(
            f"ssh_key for {access.address} is no private key that can be read",
            why=type(error).__name__,
            next_step="give a key in OpenSSH's or PEM form, and ssh_key_password if it has one",
        ) from None


async def _ran(
    connection: asyncssh.SSHClientConnection, command: str, given: bytes, timeout_s: float
) -> Ran:
    process = await connection.create_process(command, encoding=None)
    try:
        # One that does not want all of it may end well all the same: its exit code tells.
        with suppress(BrokenPipeError):
            process.stdin.write(given)
            process.stdin.write_eof()
        with anyio.move_on_after(timeout_s):
            out, err = await process.communicate()
            return Ran(code=_code(process), stdout=bytes(out), stderr=bytes(err))
        process.kill()
        return Ran(code=124, stdout=b"", stderr=f"no end after {timeout_s:g} s".encode())
    except BaseException:
        process.kill()
        raise
    finally:
        process.close()


def _code(process: asyncssh.SSHClientProcess[bytes]) -> int:
    if process.exit_signal is not None:
        name = f"SIG{process.exit_signal[0]}"
        return 128 + (signal.Signals[name].value if name in signal.Signals.__members__ else 0)
    if process.exit_status is None:
        raise asyncssh.ConnectionLost("the command's end was not told")
    return process.exit_status
