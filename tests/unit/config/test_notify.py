"""[[notify]] and [[hooks]]: what is written, what follows, and how mistakes are named."""

from pathlib import Path

import pytest

from keelway.config import Config, load_config
from keelway.config.document import read_document
from keelway.errors import ConfigError
from keelway.facts import Facts
from keelway.facts.ci.job import CiJob
from keelway.facts.remote import parse_repository
from keelway.model.outcome import Skipped
from keelway.notify.spec import GitHub, Mail, NotifySpec
from keelway.stages.hooks import plan_hooks
from keelway.stages.notify import plan_notify
from tests.support.told import an_entry
from tests.unit.config.test_loader import MINIMAL

JOB = CiJob(
    provider="github", title="GitHub Actions", sha="d" * 40,
    repository="https://github.example.com/acme/shop",
)  # fmt: skip


def written(text: str) -> Config:
    return read_document(MINIMAL + text, "keelway.toml", Config).value


def planned(text: str, facts: Facts) -> NotifySpec:
    spec = plan_notify(written(text), facts)
    assert isinstance(spec, NotifySpec)
    return spec


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('kind = "slak"', "notify[0].kind: 'slak' is not one of slack, teams"),
        ('kind = "slack"', "notify[0].url: this key is required"),
        ('kind = "slack"\nurl = "https://hooks.slack.com/services/T/B/Xy1Zt2"',
         "notify[0].url: 'https://hoo...' is no secret source"),
        ('kind = "slack"\nurl = "env://X"\non = ["deploy:faiiled"]', "Did you mean 'failed'?"),
        ('kind = "slack"\nurl = "env://X"\ntemplate = "{{verzion}}"', "Did you mean 'version'?"),
        ('kind = "slack"\nurl = "env://X"\ntemplate = "{{version"', "not closed"),
        ('kind = "webhook"\nurl = "env://X"\ntemplate = "x"', "notify[0].template: unknown key"),
        ('kind = "email"\nhost = "x"\nsender = "a@b"\nto = ["a@b"]\nusername = "x"',
         "username and password go together"),
        ('kind = "email"\nhost = "x"\nsender = "a b"\nto = ["a@b"]', "notify[0].sender"),
    ],
)  # fmt: skip
def test_mistakes_are_named(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        written(f"[[notify]]\n{text}\n")
    assert said in str(caught.value)
    assert "Xy1Zt2" not in str(caught.value)


def test_two_of_one_name_are_told_apart(tmp_path: Path) -> None:
    text = '[[notify]]\nkind = "slack"\nurl = "env://X"\n' * 2
    (tmp_path / "keelway.toml").write_text(MINIMAL + text)
    with pytest.raises(ConfigError, match="'slack' is there 2 times"):
        load_config(tmp_path)


def test_only_what_comes_first_can_be_stopped() -> None:
    with pytest.raises(ConfigError, match="cannot be stopped"):
        written('[[hooks]]\nwhen = "after-deploy"\ncommand = ["x"]\nfails = "stop"\n')


def test_forks_are_never_heard() -> None:
    fork = Facts(job=CiJob(provider="x", title="X", event="pull_request", fork=True))
    config = written(
        '[[notify]]\nkind = "slack"\nurl = "env://X"\n'
        '[[hooks]]\nwhen = "before-release"\ncommand = ["x"]\n'
    )
    assert isinstance(plan_notify(config, fork), Skipped)
    assert isinstance(plan_hooks(config, fork), Skipped)


def test_what_is_missing_stops_no_plan() -> None:
    [channel] = planned('[[notify]]\nkind = "slack"\nurl = "env://HOOK"\n', Facts()).channels
    assert channel.lacks == ("the address of slack: the environment variable HOOK is not set")


def test_github_is_found_by_the_job() -> None:
    facts = Facts(job=JOB, variables=frozenset({"T"}))
    [channel] = planned(
        '[[notify]]\nkind = "github-deployment"\ntoken = "env://T"\n', facts
    ).channels
    assert isinstance(channel.where, GitHub)
    assert channel.where.api == "https://github.example.com/api/v3"
    assert (channel.where.repository, channel.where.sha) == ("acme/shop", "d" * 40)
    assert channel.wants(an_entry())


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("git@github.com:acme/shop.git", ("github.com", "acme/shop")),
        ("ssh://git@github.com/acme/shop.git", ("github.com", "acme/shop")),
        ("https://github.com/acme/shop", ("github.com", "acme/shop")),
        ("https://github.example.com:8443/acme/shop/", ("github.example.com:8443", "acme/shop")),
        ("/srv/git/shop", None),
    ],
)
def test_addresses_of_repositories(address: str, found: tuple[str, str] | None) -> None:
    assert parse_repository(address) == found


def test_a_password_goes_nowhere_in_the_clear() -> None:
    mail = (
        '[[notify]]\nkind = "email"\nhost = "{host}"\nsender = "a@b"\nto = ["a@b"]\ntls = "none"\n'
        'username = "x"\npassword = "env://P"\n'
    )
    facts = Facts(variables=frozenset({"P"}))
    [far] = planned(mail.format(host="mail.example.com"), facts).channels
    assert far.lacks == "a password is not sent without TLS"
    [here] = planned(mail.format(host="localhost"), facts).channels
    assert isinstance(here.where, Mail)
    assert here.where.port == 25
