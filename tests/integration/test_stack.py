"""A compose project's services on a real engine: each case is one promise of the specification."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

import keelway as kw
from keelway.compose.project import (
    Attachment,
    Build,
    Dependency,
    FileGrant,
    FileSource,
    HealthCheck,
    Mount,
    MountKind,
    Volume,
)
from keelway.errors import ConfigError, PlanError, StageError
from keelway.model.image import BuiltImage, Images
from keelway.model.platform import Platform
from keelway.model.tool import HostTool
from keelway.stack.objections import check_project
from tests.support.missing import need, root_only
from tests.support.stacks import ANSWERS, SERVE, StackBench, completed, healthy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import dagger

    from tests.support.sample_images import SampleImages

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client() -> AsyncIterator[dagger.Client]:
    """One engine for all cases."""
    async with kw.open_session() as session:
        yield session.client


@pytest.fixture
def bench(client: dagger.Client, samples: SampleImages, tmp_path: object) -> StackBench:
    return StackBench(
        run=kw.Run(client),
        image=samples.busybox,
        folder=tmp_path,  # type: ignore[arg-type]  # a Path, which the linter wants unimported
        busybox=HostTool(path=need("busybox", package="busybox-static")),
    )


# --- names and networks ---------------------------------------------------------------------------


async def test_services_find_each_other_whoever_was_first(bench: StackBench) -> None:
    # Neither depends on the other, and each asks for the other's name.
    ask = "until wget -qO- http://{0}:8080/; do sleep 0.1; done; sleep 60"
    one = bench.service("one", f"{{ {SERVE}; }} & {ask.format('two')}", healthcheck=ANSWERS)
    two = bench.service("two", f"{{ {SERVE}; }} & {ask.format('one')}", healthcheck=ANSWERS)
    tests = bench.service("tests", "wget -qO- http://one:8080/ && wget -qO- http://two:8080/")
    told = await bench.told(tests, one, two)
    assert told["tests"].code == 0, told
    assert told["tests"].log == "hello\nhello\n"
    assert "hello" in told["one"].log
    assert "hello" in told["two"].log


async def test_aliases_links_and_extra_hosts_lead_somewhere(bench: StackBench) -> None:
    web = bench.service(
        "web",
        SERVE,
        healthcheck=ANSWERS,
        container_name="the-web",
        networks={"default": Attachment(network="default", aliases=("www", "front"))},
    )
    names = "web www front the-web linked"
    tests = bench.service(
        "tests",
        f"for name in {names}; do wget -qO- http://$name:8080/ || exit 1; done; cat /etc/hosts",
        links={"linked": "web"},
        extra_hosts={"somewhere": ("10.1.2.3",)},
    )
    told = await bench.told(tests, web)
    assert told["tests"].code == 0, told["tests"].log
    assert told["tests"].log.count("hello") == 5
    assert "10.1.2.3 somewhere" in told["tests"].log


async def test_a_service_of_another_network_is_unknown(bench: StackBench) -> None:
    inner = {"inner": Attachment(network="inner", aliases=("database",))}
    outer = {"outer": Attachment(network="outer")}
    db = bench.service("db", SERVE, healthcheck=ANSWERS, networks=inner)
    web = bench.service("web", SERVE, healthcheck=ANSWERS, networks={**inner, **outer})
    tests = bench.service(
        "tests",
        "wget -qO- http://web:8080/; for name in db database; do "
        "wget -T 3 -qO- http://$name:8080/ && exit 9; done; exit 0",
        networks=outer,
    )
    told = await bench.told(tests, db, web)
    assert told["tests"].code == 0, told["tests"].log
    assert told["tests"].log.startswith("hello\n")


async def test_a_service_without_a_network_is_alone(bench: StackBench) -> None:
    root_only("cutting the network needs capabilities that are given to root's containers")
    web = bench.service("web", SERVE, healthcheck=ANSWERS)
    tests = bench.service(
        "tests", "wget -T 2 -qO- http://web:8080/ && exit 9; ip addr show lo", networks={},
        network_mode="none",
    )  # fmt: skip
    told = await bench.told(tests, web)
    assert told["tests"].code == 0, told["tests"]


async def test_containers_of_others_join(bench: StackBench) -> None:
    inner = {"inner": Attachment(network="inner")}
    db = bench.service("db", SERVE, healthcheck=ANSWERS, networks=inner)
    web = bench.service("web", SERVE, healthcheck=ANSWERS)
    tests = bench.service("tests", "true")
    stack = bench.stack(bench.project(db, web), tests)
    container = bench.run.dag.container().from_(bench.image)
    async with stack:
        assert await stack.ready()
        asked = stack.join(container).with_exec(["wget", "-qO-", "http://db:8080/"])
        assert await asked.stdout() == "hello\n"
        apart = stack.join(container, networks=["default"])
        assert await apart.with_exec(["wget", "-qO-", "http://web:8080/"]).stdout() == "hello\n"
        with pytest.raises(Exception, match="exit code"):
            _ = await apart.with_exec(["wget", "-qO-", "http://db:8080/"]).sync()


# --- what waits for what --------------------------------------------------------------------------


async def test_it_waits_until_another_is_healthy(bench: StackBench) -> None:
    slow = bench.service("slow", f"sleep 1; touch /began; {SERVE}", healthcheck=ANSWERS)
    tests = bench.service("tests", "wget -qO- http://slow:8080/", depends_on=healthy("slow"))
    told = await bench.told(tests, slow)
    assert (told["tests"].code, told["tests"].log) == (0, "hello\n")
    assert "exit code 1" in told["slow"].health  # it was asked before it answered


async def test_it_waits_until_another_has_done_its_work(bench: StackBench) -> None:
    shared = Mount(kind=MountKind.VOLUME, target="/data", source="data")
    job = bench.service("job", "sleep 1; echo made >/data/made", mounts=(shared,))
    tests = bench.service("tests", "cat /data/made", mounts=(shared,), depends_on=completed("job"))
    project = bench.project(job, volumes={"data": Volume(name="data")})
    told = await bench.told(tests, project=project)
    assert (told["tests"].code, told["tests"].log) == (0, "made\n")
    assert (told["job"].state, told["job"].code) == ("exited", 0)


async def test_one_whose_work_failed_stops_who_waits_for_it(bench: StackBench) -> None:
    job = bench.service("job", "echo no such table; exit 4")
    web = bench.service("web", SERVE, healthcheck=ANSWERS, depends_on=completed("job"))
    tests = bench.service("tests", "echo never", depends_on=healthy("web"))
    told = await bench.told(tests, job, web)
    assert told["web"].state == told["tests"].state == "blocked"
    assert told["web"].why == "job: it ended with exit code 4"
    assert "web: it could not be started itself (job: it ended with exit code 4" in (
        told["tests"].why
    )
    assert told["tests"].log == ""
    assert told["job"].log == "no such table\n"


async def test_what_is_not_required_may_fail(bench: StackBench) -> None:
    job = bench.service("job", "exit 4")
    wants = {"job": replace(completed("job")["job"], required=False)}
    tests = bench.service("tests", "echo went on", depends_on=wants)
    told = await bench.told(tests, job)
    assert (told["tests"].code, told["tests"].log) == (0, "went on\n")
    assert "goes on without job: it ended with exit code 4" in told["tests"].events


async def test_started_is_enough_where_nothing_more_is_asked(bench: StackBench) -> None:
    quick = bench.service("quick", "echo done")
    wants = {"quick": Dependency(service="quick")}
    tests = bench.service("tests", "echo went on", depends_on=wants)
    told = await bench.told(tests, quick)
    assert told["tests"].code == 0
    assert (told["quick"].state, told["quick"].code) == ("exited", 0)


async def test_tests_that_say_nothing_wait_for_all(bench: StackBench) -> None:
    web = bench.service("web", f"sleep 1; {SERVE}", healthcheck=ANSWERS)
    job = bench.service("job", "sleep 1; echo done")
    user = bench.service("user", "sleep 60", depends_on=completed("job"))
    tests = bench.service("tests", "wget -qO- http://web:8080/")
    told = await bench.told(tests, web, job, user)
    assert told["tests"].code == 0, told["tests"]
    assert (told["job"].state, told["user"].state) == ("exited", "running")


# --- its end --------------------------------------------------------------------------------------


async def test_one_that_exits_at_once_is_named_with_its_log(bench: StackBench) -> None:
    db = bench.service("db", "echo the disk is full >&2; exit 7", healthcheck=ANSWERS)
    tests = bench.service("tests", "true", depends_on=healthy("db"))
    told = await bench.told(tests, db)
    assert told["tests"].why == "db: it ended with exit code 7 before it was healthy"
    assert (told["db"].state, told["db"].code, told["db"].log) == (
        "exited", 7, "the disk is full\n",
    )  # fmt: skip


async def test_one_that_never_gets_healthy_says_why(bench: StackBench) -> None:
    check = HealthCheck(test=("CMD-SHELL", "echo no route; exit 1"), interval_s=0.2, retries=2)
    db = bench.service("db", "echo waiting; sleep 300", healthcheck=check)
    tests = bench.service("tests", "true", depends_on=healthy("db"))
    told = await bench.told(tests, db)
    assert told["db"].state == "unhealthy"
    assert told["tests"].why.startswith("db: it is unhealthy (not healthy after")
    assert "no route" in told["db"].health


async def test_a_health_check_has_its_start_period(bench: StackBench) -> None:
    check = HealthCheck(
        test=("CMD", "test", "-f", "/ready"), interval_s=0.1, retries=1, start_period_s=60
    )
    db = bench.service("db", "sleep 1; touch /ready; sleep 300", healthcheck=check)
    tests = bench.service("tests", "true", depends_on=healthy("db"))
    told = await bench.told(tests, db)
    assert (told["db"].state, told["tests"].code) == ("healthy", 0)


async def test_one_that_restarts_gets_there(bench: StackBench) -> None:
    script = f"[ -f /twice ] || {{ touch /twice; echo not yet; exit 1; }}; {SERVE}"
    db = bench.service("db", script, restart="on-failure:3", healthcheck=ANSWERS)
    tests = bench.service("tests", "true", depends_on=healthy("db"))
    told = await bench.told(tests, db)
    assert told["tests"].code == 0, told
    assert told["db"].restarts == 1
    assert told["db"].log == "not yet\nserving\n"


async def test_restarts_come_to_an_end(bench: StackBench) -> None:
    db = bench.service("db", "exit 3", restart="on-failure:2", healthcheck=ANSWERS)
    told = await bench.told(bench.service("tests", "true", depends_on=healthy("db")), db)
    assert (told["db"].state, told["db"].code, told["db"].restarts) == ("exited", 3, 2)


async def test_it_is_stopped_by_its_own_signal_and_may_finish(bench: StackBench) -> None:
    script = "trap 'echo goodbye; exit 0' INT; echo up; while :; do sleep 0.1; done"
    web = bench.service("web", script, stop_signal="SIGINT")
    told = await bench.told(bench.service("tests", "sleep 1"), web)
    assert told["web"].log == "up\ngoodbye\n"
    assert "stopped, exit code 0" in told["web"].events
    assert told["web"].state == "running"  # that is how it was when the tests had ended


async def test_one_that_does_not_listen_is_killed_after_its_grace(bench: StackBench) -> None:
    script = "trap '' TERM; echo up; while :; do sleep 0.1; done"
    web = bench.service("web", script, stop_grace_period_s=0.5)
    told = await bench.told(bench.service("tests", "sleep 1"), web)
    assert "did not end by TERM" in told["web"].events
    assert "stopped, exit code 137" in told["web"].events


# --- the command ----------------------------------------------------------------------------------


async def test_entrypoint_and_command_are_the_files_or_the_images(
    bench: StackBench, samples: SampleImages
) -> None:
    plain = bench.service("plain", "true", image=samples.configured)
    image = replace(plain, name="image", command=None)
    command = replace(plain, name="command", command=("only", "this"))
    entry = replace(plain, name="entry", entrypoint=("/bin/echo", "own"), command=None)
    told = await bench.told(
        bench.service("tests", "true", depends_on=completed("image", "command", "entry")),
        image, command, entry,
    )  # fmt: skip
    logs = {name: told[name].log for name in ("image", "command", "entry")}
    assert logs == {
        "image": "entry cmd-a cmd-b\n",
        "command": "entry only this\n",
        "entry": "own\n",  # an entrypoint takes the image's CMD away
    }


async def test_environment_user_and_folder(bench: StackBench, samples: SampleImages) -> None:
    who = "id -u; id -g; pwd; echo $HOME; echo $ORIGIN; echo $SHARED; touch /srv/mine"
    own = bench.service(
        "own", who, image=samples.configured, entrypoint=(), environment={"SHARED": "file"},
    )  # fmt: skip
    worker = replace(own, name="worker", user="worker", working_dir="/tmp")
    number = replace(own, name="number", user="4242:77")
    told = await bench.told(
        bench.service("tests", "true", depends_on={
            name: Dependency(service=name) for name in ("own", "worker", "number")
        }),
        own, worker, number,
    )  # fmt: skip
    assert told["own"].log == "1000\n1000\n/srv\n/home/app\nimage\nfile\n"
    assert told["worker"].log.startswith("1001\n2002\n/tmp\n/home/worker\n")
    assert told["number"].log.startswith("4242\n77\n/srv\n/\n")
    assert "Permission denied" in told["worker"].log


async def test_a_user_that_is_not_there_is_named(bench: StackBench) -> None:
    web = bench.service("web", SERVE, user="nobody-here")
    told = await bench.told(bench.service("tests", "true"), web)
    assert (told["web"].state, told["web"].why) == ("blocked", "the image has no user nobody-here")


async def test_output_may_be_opened_again_and_input_stays_open(bench: StackBench) -> None:
    again = bench.service("again", "echo one >/dev/stdout; echo two >/dev/stderr", user="app")
    waits = bench.service("waits", "cat; echo ended", stdin_open=True)
    told = await bench.told(
        bench.service("tests", "sleep 0.5", depends_on=completed("again")), again, waits
    )
    assert told["again"].log == "one\ntwo\n"
    assert told["waits"].state == "running"


# --- files ----------------------------------------------------------------------------------------


async def test_volumes_are_shared_and_new_for_each_run(bench: StackBench) -> None:
    data = Mount(kind=MountKind.VOLUME, target="/data", source="data")
    writer = bench.service("writer", "ls /data; echo it >>/data/file", mounts=(data,))
    tests = bench.service("tests", "cat /data/file", mounts=(data,), depends_on=completed("writer"))
    project = bench.project(writer, volumes={"data": Volume(name="data")})
    for _ in range(2):
        told = await bench.told(tests, project=project)
        assert told["tests"].log == "it\n"
        assert told["writer"].log == ""


async def test_a_new_volume_has_what_the_image_has(
    bench: StackBench, samples: SampleImages
) -> None:
    look = "cat kept.txt; stat -c '%u:%g %a' . kept.txt; touch new"
    data = Mount(kind=MountKind.VOLUME, target="/srv", source="data")
    filled = bench.service("filled", look, image=samples.configured, entrypoint=(), mounts=(data,))
    empty = replace(
        filled, name="empty", command=("ls", "-A", "/srv"),
        mounts=(replace(data, source="other", no_copy=True),),
    )  # fmt: skip
    tests = bench.service("tests", "true", depends_on=completed("filled", "empty"))
    told = await bench.told(tests, filled, empty)
    assert told["filled"].log == "kept\n1000:1000 755\n0:0 644\n"
    assert told["empty"].log == ""


async def test_files_of_the_project_and_temporary_ones(bench: StackBench) -> None:
    (bench.folder / "conf").mkdir()
    (bench.folder / "conf" / "a.txt").write_text("from the project\n")
    mounts = (
        Mount(kind=MountKind.BIND, target="/conf", source=str(bench.folder / "conf"),
              read_only=True),
        Mount(kind=MountKind.BIND, target="/one", source=str(bench.folder / "conf" / "a.txt")),
        Mount(kind=MountKind.BIND, target="/made", source=str(bench.folder / "missing")),
        Mount(kind=MountKind.TMPFS, target="/cache", mode=0o750, uid=1000, gid=1000),
    )  # fmt: skip
    script = (
        "cat /conf/a.txt /one; ls -A /made; ls -ld /made | cut -c1; stat -c '%u %a' /cache; "
        "touch /cache/x && touch /tmp/x; touch /conf/x"
    )
    tests = bench.service("tests", script, user="app", mounts=mounts)
    told = await bench.told(tests)
    lines = told["tests"].log.splitlines()
    assert lines[:4] == ["from the project", "from the project", "d", "1000 750"]
    assert "touch: /conf/x: Read-only file system" in lines[4]
    assert not (bench.folder / "missing").exists()


async def test_secrets_and_configs_are_files_and_never_shown(
    bench: StackBench,
) -> None:
    (bench.folder / "password").write_text("tr0ub4dor\n")
    project = bench.project(
        secrets={"password": FileSource(name="password", file=bench.folder / "password")},
        configs={"app": FileSource(name="app", content="level = debug\n")},
    )
    tests = bench.service(
        "tests",
        "cat /run/secrets/password | wc -c; cat /run/secrets/password; cat /etc/app.conf; "
        "stat -c '%u:%g %a' /run/secrets/password /run/secrets/pin /etc/app.conf",
        user="app",
        secrets=(
            FileGrant(source="password"),
            FileGrant(source="password", target="pin", uid="1000", gid="50", mode=0o400),
        ),
        configs=(FileGrant(source="app", target="/etc/app.conf", uid="1000", mode=0o640),),
    )
    told = await bench.told(tests, project=project)
    assert told["tests"].log.splitlines() == [
        "10", "***", "level = debug", "0:0 444", "1000:50 400", "1000:0 640",
    ]  # fmt: skip


async def test_a_secret_that_is_missing_is_named_with_its_place(bench: StackBench) -> None:
    project = bench.project(
        secrets={"password": FileSource(name="password", file=bench.folder / "nowhere")}
    )
    tests = bench.service("tests", "true", secrets=(FileGrant(source="password"),))
    with pytest.raises(PlanError, match=r"compose\.yaml:7: services\.tests: password: .*nowhere"):
        await bench.told(tests, project=project)


# --- rights ---------------------------------------------------------------------------------------


async def test_a_read_only_root_keeps_its_volumes(bench: StackBench) -> None:
    root_only("a read-only root needs capabilities that are given to root's containers")
    mounts = (
        Mount(kind=MountKind.TMPFS, target="/cache"),
        Mount(kind=MountKind.VOLUME, target="/data"),
    )
    tests = bench.service(
        "tests", "touch /cache/x /data/x && ! touch /x", read_only=True, mounts=mounts
    )
    told = await bench.told(tests)
    assert told["tests"].code == 0, told["tests"]
    assert "Read-only file system" in told["tests"].log


async def test_rights_are_taken_away(bench: StackBench) -> None:
    tests = bench.service(
        "tests",
        "grep -E '^(CapEff|CapPrm|NoNewPrivs):' /proc/self/status; ulimit -n",
        user="app",
        cap_drop=("ALL",),
        security_opt=("no-new-privileges:true",),
        ulimits={"nofile": (100, 200)},
    )
    told = await bench.told(tests)
    assert told["tests"].log.split() == [
        "CapPrm:", "0000000000000000", "CapEff:", "0000000000000000", "NoNewPrivs:", "1", "100",
    ]  # fmt: skip


async def test_a_host_name_is_set(bench: StackBench) -> None:
    root_only("a host name needs capabilities that are given to root's containers")
    tests = bench.service("tests", "hostname; ping -c 1 -w 5 box >/dev/null", hostname="box")
    told = await bench.told(tests)
    assert (told["tests"].code, told["tests"].log) == (0, "box\n")


# --- images ---------------------------------------------------------------------------------------


def built(bench: StackBench, *lines: str, platform: str = "linux/amd64") -> BuiltImage:
    """Return an image as the build stage would."""
    dockerfile = "\n".join([f"FROM {bench.image}", *lines])
    context = bench.run.dag.directory().with_new_file("Dockerfile", dockerfile)
    return BuiltImage(name="app", platform=Platform(platform), container=context.docker_build())


async def test_the_very_image_of_the_build_is_started(bench: StackBench) -> None:
    image = built(
        bench,
        "RUN echo built-here >/from && mkdir /w && echo hello >/w/index.html",
        "HEALTHCHECK --interval=1s CMD wget -qO- http://127.0.0.1:8080/",
        'CMD ["httpd", "-f", "-p", "8080", "-h", "/w"]',
    )
    app = replace(bench.service("app", ""), image="example.org/nowhere/app:1", command=None)
    tests = bench.service("tests", "wget -qO- http://app:8080/", depends_on=healthy("app"))
    here = bench.having(Images(variants=(image,)))
    told = await here.told(tests, app, built={"app": "app"})
    assert (told["tests"].code, told["tests"].log) == (0, "hello\n")
    assert told["app"].state == "healthy"  # by the image's own health check


async def test_an_image_that_was_not_built_for_the_platform_is_refused(bench: StackBench) -> None:
    here = bench.having(Images(variants=(built(bench),)))
    app = replace(bench.service("app", "true"))
    with pytest.raises(PlanError, match="not built for linux/s390x"):
        await here.told(
            bench.service("tests", "true"), app, built={"app": "app"},
            platform=Platform("linux/s390x"),
        )  # fmt: skip


async def test_a_service_is_built_from_its_dockerfile(bench: StackBench) -> None:
    text = f'FROM {bench.image} AS low\nARG WORD\nRUN echo "$WORD" >/word\nFROM low AS high\n'
    (bench.folder / "Dockerfile.word").write_text(text + 'CMD ["cat", "/word"]\n')
    build = Build(
        context=str(bench.folder), dockerfile="Dockerfile.word", target="high",
        args={"WORD": "argued"},
    )  # fmt: skip
    inline = Build(context=str(bench.folder), dockerfile_inline=f"FROM {bench.image}\nCMD echo in")
    word = replace(bench.service("word", ""), image=None, command=None, build=build)
    other = replace(word, name="other", build=inline)
    tests = bench.service("tests", "true", depends_on=completed("word", "other"))
    told = await bench.told(tests, word, other)
    assert (told["word"].log, told["other"].log) == ("argued\n", "in\n")


async def test_an_image_that_is_nowhere_is_named_with_its_place(bench: StackBench) -> None:
    web = bench.service("web", "true", image="localhost:1/no/such:1")
    with pytest.raises(StageError, match=r"compose\.yaml:7: service web: getting the image"):
        await bench.told(bench.service("tests", "true"), web)


# --- what cannot be done --------------------------------------------------------------------------


async def test_what_cannot_be_done_is_refused_or_told(bench: StackBench) -> None:
    outside = Mount(kind=MountKind.BIND, target="/x", source="/etc")
    wrong = bench.service("wrong", "true", network_mode="service:db", mounts=(outside,))
    with pytest.raises(ConfigError) as caught:
        check_project(bench.project(wrong), [wrong])
    text = str(caught.value)
    assert "compose.yaml:7: services.wrong.network_mode: 'service:db' is not possible" in text
    assert "compose.yaml:7: services.wrong.volumes: /etc is outside of the project" in text
    less = bench.service(
        "less", "true", user="root", replicas=3, dns=("1.1.1.1",), cap_drop=("ALL",)
    )
    told = {notice.key for notice in check_project(bench.project(less), [less])}
    assert told == {
        "services.less.deploy.replicas", "services.less.dns", "services.less.cap_drop",
    }  # fmt: skip


async def test_a_condition_without_a_health_check_is_refused(bench: StackBench) -> None:
    web = bench.service("web", SERVE)
    tests = bench.service("tests", "true", depends_on=healthy("web"))
    with pytest.raises(ConfigError, match=r"depends_on\.web: web has no health check"):
        await bench.told(tests, web)
