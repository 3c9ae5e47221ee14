"""`Host.unixSocket`, `Container.withUnixSocket`: sockets of the host beside commands."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

import dagger
import pytest

from tests.support.contexts import context
from tests.support.python_root import make_python_root
from tests.support.shell import output

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.sample_images import SampleImages

pytestmark = pytest.mark.usefixtures("local_only")  # the sockets are this machine's

ASK = """
import socket, sys
with socket.socket(socket.AF_UNIX) as client:
    client.connect(sys.argv[1])
    client.sendall(b"world")
    client.shutdown(socket.SHUT_WR)
    print(client.makefile().read())
"""


@pytest.fixture(scope="module")
def python_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_python_root(tmp_path_factory.mktemp("python") / "root")


@pytest.fixture
def python(dag: dagger.Client, python_root: Path) -> dagger.Container:
    """A container with Python, and a program that talks to a socket."""
    root = dag.host().directory(str(python_root))
    return dag.container().with_rootfs(root).with_new_file("/ask.py", ASK)


@pytest.fixture
def greeter(short_path: Path) -> Iterator[Path]:
    """A socket of the host that greets whoever says a name, and its path."""
    path = short_path / "greeter.sock"
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind(str(path))
        listener.listen()
        threading.Thread(target=_greet, args=(listener,), daemon=True).start()
        yield path
        listener.shutdown(socket.SHUT_RDWR)


def _greet(listener: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as stream:
                connection.sendall(b"hello " + stream.read())


async def ask(container: dagger.Container, path: str, nonce: str) -> str:
    asking = container.with_env_variable("NONCE", nonce)
    return await asking.with_exec(["/usr/bin/python3", "/ask.py", path]).stdout()


async def test_command_talks_to_a_socket_of_the_host(
    dag: dagger.Client, python: dagger.Container, greeter: Path, nonce: str
) -> None:
    found = dag.host().unix_socket(str(greeter))
    assert await ask(python.with_unix_socket("/run/a/greeter", found), "/run/a/greeter", nonce) == (
        "hello world\n"
    )
    below = python.with_workdir("/srv").with_unix_socket("greeter", found)
    assert await ask(below, "/srv/greeter", nonce) == "hello world\n"
    address = dag.address(f"unix://{greeter}").socket()
    again = python.with_unix_socket("/run/b", address)
    assert await ask(again, "/run/b", nonce) == "hello world\n"


async def test_another_user_needs_to_own_the_socket(
    dag: dagger.Client, python: dagger.Container, greeter: Path, nonce: str
) -> None:
    found = dag.host().unix_socket(str(greeter))
    user = python.with_user("1000:1000")
    with pytest.raises(dagger.ExecError, match="exit code: 1") as caught:
        await ask(user.with_unix_socket("/run/s", found), "/run/s", nonce)
    assert "PermissionError" in caught.value.stderr
    owned = user.with_unix_socket("/run/s", found, owner="1000")
    assert await ask(owned, "/run/s", nonce) == "hello world\n"


async def test_socket_has_the_mode_and_the_owner(
    dag: dagger.Client, base: dagger.Container, greeter: Path
) -> None:
    found = dag.host().unix_socket(str(greeter))
    show = "stat -c '%F %a %u:%g' /run/s"
    plain = base.with_unix_socket("/run/s", found)
    assert await output(plain, show) == "socket 600 0:0\n"
    for owner, ids in (("app", "1000:1000"), ("worker:team", "1001:2002"), ("33", "33:33")):
        owned = base.with_unix_socket("/run/s", found, owner=owner)
        assert await output(owned, show) == f"socket 600 {ids}\n"
    with pytest.raises(dagger.QueryError, match="no such user: nobody-knows"):
        await output(base.with_unix_socket("/run/s", found, owner="nobody-knows"), show)


async def test_socket_leaves_nothing_behind(
    dag: dagger.Client, base: dagger.Container, greeter: Path
) -> None:
    found = dag.host().unix_socket(str(greeter))
    after = base.with_unix_socket("/run/deep/s", found).with_exec(["test", "-S", "/run/deep/s"])
    assert not await after.exists("/run/deep")
    assert await after.rootfs().diff(base.rootfs()).entries() == []
    without = after.without_unix_socket("/run/deep/s")
    assert await output(without, "test -e /run/deep/s || echo gone") == "gone\n"


async def test_socket_stays_on_another_image(
    dag: dagger.Client, base: dagger.Container, greeter: Path
) -> None:
    found = dag.host().unix_socket(str(greeter))
    image = await base.image_ref()
    kept = dag.container().with_unix_socket("/run/s", found).from_(image)
    assert await output(kept, "test -S /run/s && echo there") == "there\n"


async def test_service_talks_to_a_socket(
    dag: dagger.Client, python: dagger.Container, base: dagger.Container, greeter: Path, nonce: str
) -> None:
    program = ASK.replace("print(client", "found = (client") + (
        "import http.server\n"
        "class Handler(http.server.BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        "        self.send_response(200)\n"
        "        self.end_headers()\n"
        "        self.wfile.write(found.encode())\n"
        "http.server.HTTPServer(('', 8000), Handler).serve_forever()\n"
    )
    service = (
        python.with_new_file("/serve.py", program)
        .with_env_variable("NONCE", nonce)
        .with_unix_socket("/run/s", dag.host().unix_socket(str(greeter)))
        .with_exposed_port(8000)
        .as_service(args=["/usr/bin/python3", "/serve.py", "/run/s"])
    )
    client = base.with_service_binding("web", service).with_env_variable("NONCE", nonce)
    assert await output(client, "wget -qO- http://web:8000/") == "hello world"


async def test_socket_that_is_not_there_is_named(
    dag: dagger.Client, base: dagger.Container, tmp_path: Path, nonce: str
) -> None:
    missing = dag.host().unix_socket(str(tmp_path / "none"))
    file = tmp_path / "file"
    file.write_text("no socket")
    for found, reason in (
        (missing, "none of the host: no such file"),
        (dag.host().unix_socket(str(file)), "file of the host: it is no socket"),
    ):
        with pytest.raises(dagger.QueryError, match=reason):
            await output(base.with_unix_socket("/run/s", found), f"echo {nonce}")


# --- in Dockerfiles --------------------------------------------------------------------------


@pytest.fixture
def agent(dag: dagger.Client, greeter: Path) -> dagger.Socket:
    return dag.host().unix_socket(str(greeter))


async def test_build_talks_to_the_agent(
    dag: dagger.Client, python_root: Path, agent: dagger.Socket, nonce: str
) -> None:
    program = ASK.replace("sys.argv[1]", "__import__('os').environ['SSH_AUTH_SOCK']")
    text = f"""
FROM scratch
COPY . /
RUN --mount=type=ssh ["/usr/bin/python3", "-c", "import runpy, os; \
os.dup2(os.open('/said', 65), 1); runpy.run_path('/ask.py')", "{nonce}"]
"""
    files = dag.host().directory(str(python_root))
    made = files.with_new_file("ask.py", program).with_new_file("Dockerfile", text)
    assert await made.docker_build(ssh=agent).file("/said").contents() == "hello world\n"


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ("", "/run/buildkit/ssh_agent.0 600 0:0"),
        (",id=work,required=true", "/run/buildkit/ssh_agent.0 600 0:0"),
        (",target=/srv/agent,mode=0660,uid=1000,gid=50", "/srv/agent 660 1000:50"),
    ],
)
async def test_mount_of_the_agent_has_its_options(
    dag: dagger.Client, samples: SampleImages, agent: dagger.Socket, options: str, shown: str
) -> None:
    text = (
        f"FROM BASE\nRUN --mount=type=ssh{options} test -S $SSH_AUTH_SOCK && "
        "echo $SSH_AUTH_SOCK $(stat -c '%a %u:%g' $SSH_AUTH_SOCK) > /shown\n"
        'RUN echo "then:$SSH_AUTH_SOCK" >> /shown\n'
    )
    built = context(dag, text, base=samples.busybox).docker_build(ssh=agent)
    assert await built.file("/shown").contents() == f"{shown}\nthen:\n"


async def test_agent_that_was_not_given(dag: dagger.Client, samples: SampleImages) -> None:
    optional = 'FROM BASE\nRUN --mount=type=ssh echo "none:$SSH_AUTH_SOCK" > /shown\n'
    built = context(dag, optional, base=samples.busybox).docker_build()
    assert await built.file("/shown").contents() == "none:\n"
    required = optional.replace("type=ssh", "type=ssh,required,id=work")
    with pytest.raises(dagger.QueryError, match='no SSH key "work" forwarded from the client'):
        await context(dag, required, base=samples.busybox).docker_build().file("/shown").contents()


async def test_which_agent_it_was_does_not_count_for_the_cache(
    dag: dagger.Client, samples: SampleImages, agent: dagger.Socket, tmp_path: Path, nonce: str
) -> None:
    text = f"FROM BASE\nRUN --mount=type=ssh cat /proc/sys/kernel/random/uuid > /{nonce}\n"
    made = context(dag, text, base=samples.busybox)
    first = await made.docker_build(ssh=agent).file(f"/{nonce}").contents()
    other = dag.host().unix_socket(str(tmp_path / "another"))
    assert await made.docker_build(ssh=other).file(f"/{nonce}").contents() == first
