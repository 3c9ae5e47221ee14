"""[deploy.NAME.proxy] and [deploy.NAME.analysis]: what is refused, with the words for it."""

from pathlib import Path

import pytest

from keelway.config.deploy_compose import ComposeTarget
from tests.unit.config.test_deploy import TARGET
from tests.unit.config.test_loader import load, problems

BLUE_GREEN = f"""{TARGET}hosts = ["local"]
strategy = "blue-green"
[deploy.web.proxy]
file = "/etc/nginx/conf.d/shop.conf"
listen = ["80", "[::]:80"]
canary = [5, 25]
[deploy.web.proxy.services.orders]
port = 8080
ports = [18080, 18081]
[[deploy.web.analysis.smoke]]
name = "health"
path = "/health"
[[deploy.web.analysis.probes]]
name = "quick"
latency_ms = 100
unclear_ms = 300
"""


def test_a_proxy_and_an_analysis(tmp_path: Path) -> None:
    target = load(tmp_path, BLUE_GREEN).config.deploy["web"]
    assert isinstance(target, ComposeTarget)
    assert target.proxy is not None
    assert target.proxy.services["orders"].ports == (18080, 18081)
    assert target.analysis.inconclusive == "ask"
    assert target.analysis.probes[0].at == ("before", "step", "after")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('strategy = "blue-green"', "", "strategy recreate switches no proxy: that is for"),
        ("canary = [5, 25]", "canary = [25, 5]", "canary: each share is larger than the one"),
        ("ports = [18080, 18081]", "ports = [18080, 18080]", "blue and green need a port each"),
        ("ports = [18080, 18081]", "", "name either the two ports of the host or an address"),
        ("ports = [18080, 18081]", 'address = "orders:80"', "the address needs {colour}"),
        ('listen = ["80", ', 'listen = ["80; include /etc/passwd", ', "proxy.listen[0]"),
        ("unclear_ms = 300", "unclear_ms = 90", "unclear_ms is more than latency_ms"),
        ('path = "/health"', "", "a smoke test has either a path or a command"),
        ('name = "quick"', 'name = "quick"\nbody = "("', "is no regular expression"),
        ('name = "quick"', 'name = "quick"\nservice = "x"', "the proxy has no service x"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert said in "\n".join(problems(tmp_path, BLUE_GREEN.replace(old, new)))


def test_blue_green_needs_a_proxy(tmp_path: Path) -> None:
    text = f'{TARGET}hosts = ["local"]\nstrategy = "blue-green"\n'
    (said,) = problems(tmp_path, text)
    assert "strategy blue-green switches a proxy: write [deploy.NAME.proxy]" in said


def test_an_analysis_without_a_proxy_needs_to_know_where(tmp_path: Path) -> None:
    text = f'{TARGET}hosts = ["local"]\n[[deploy.web.analysis.probes]]\nname = "up"\n'
    (said,) = problems(tmp_path, text)
    assert "analysis: url is missing" in said
    load(tmp_path, text + '[deploy.web.analysis]\nurl = "http://127.0.0.1:8080"\n')
