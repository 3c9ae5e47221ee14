"""What NGINX is told, and what is read of what it says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from keelway.deploy.nginx import (
    Front,
    Route,
    Upstream,
    is_read_by,
    read_about,
    read_pid_file,
    read_upstreams,
    render,
)
from keelway.deploy.workers import Workers, parse_workers

FRONT = Front(name="web", listen=("80",), routes=(Route(service="shop"),))
BLUE = Upstream(service="shop", address="127.0.0.1:18080")
GREEN = Upstream(service="shop", address="127.0.0.1:18081")
CLOSING = "/etc/nginx/conf.d/.keelway-web.conf.closing"


def told(front: Front = FRONT, *upstreams: Upstream, version: tuple[int, ...] = (1, 22, 1)) -> str:
    return render(front, upstreams or (BLUE,), closing=CLOSING, version=version).decode()


def test_all_requests_go_to_the_one_that_answers() -> None:
    assert (
        told().partition("\n\n")[2]
        == f"""\
upstream keelway_web_shop {{
    server 127.0.0.1:18080 weight=100 max_fails=0;
}}

map $http_upgrade $keelway_web_connection {{
    default upgrade;
    "" "close";
}}

server {{
    listen 80;
    server_name _;
    client_max_body_size 16m;
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Host $http_host;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $keelway_web_connection;
    proxy_connect_timeout 5000ms;
    proxy_send_timeout 60000ms;
    proxy_read_timeout 60000ms;
    proxy_next_upstream error;
    proxy_next_upstream_tries 1;
    location / {{
        open_file_cache off;
        error_page 418 = @keelway_web_closing_0;
        if (-f {CLOSING}) {{ return 418; }}
        proxy_pass http://keelway_web_shop;
    }}
    location @keelway_web_closing_0 {{
        keepalive_timeout 0;
        proxy_pass http://keelway_web_shop;
    }}
}}
"""
    )


def test_shares_are_weights_and_who_has_none_is_not_there() -> None:
    text = told(FRONT, replace(BLUE, weight=95), replace(GREEN, weight=5))
    assert "server 127.0.0.1:18080 weight=95 max_fails=0;" in text
    assert "server 127.0.0.1:18081 weight=5 max_fails=0;" in text
    # NGINX refuses a weight of 0.
    assert ":18080 " not in told(FRONT, replace(BLUE, weight=0), GREEN)


def test_a_service_for_which_nobody_answers_is_no_configuration() -> None:
    with pytest.raises(ValueError, match="nobody answers for shop"):
        told(FRONT, replace(BLUE, weight=0))


def test_services_have_paths_of_one_server() -> None:
    front = replace(FRONT, routes=(Route(service="site"), Route(service="shop", path="/api/")))
    text = told(front, BLUE, Upstream(service="site", address="127.0.0.1:1"))
    assert text.count("\nserver {") == 1
    assert "location /api/ {" in text
    assert "upstream keelway_web_site {\n    server 127.0.0.1:1 " in text


def test_tls_and_own_snippets() -> None:
    front = replace(
        FRONT,
        listen=("443", "[::]:443"),
        server_names=("shop.example.com",),
        certificate="/etc/tls/shop.pem",
        certificate_key="/etc/tls/own folder/shop.key",
        snippets="/etc/nginx/shop/*.conf",
    )
    text = told(front)
    assert "listen 443 ssl;\n    listen [::]:443 ssl;\n    server_name shop.example.com;" in text
    assert "ssl_certificate /etc/tls/shop.pem;" in text
    assert 'ssl_certificate_key "/etc/tls/own folder/shop.key";' in text
    assert "include /etc/nginx/shop/*.conf;" in text


def test_connections_to_a_service_are_kept_where_it_is_asked_for() -> None:
    text = told(replace(FRONT, kept_connections=8, kept_connection_s=1.5))
    assert "keepalive 8;\n    keepalive_timeout 1500ms;" in text
    assert '"" "";' in text


def test_a_newer_nginx_waits_by_itself_for_clients_that_are_active() -> None:
    assert "keepalive_min_timeout 10s;" in told(version=(1, 27, 4))
    assert "keepalive_min_timeout" not in told(version=(1, 27, 3))


def test_names_that_nginx_would_confuse_are_different_ones() -> None:
    heads = {
        told(replace(FRONT, name=name)).split("upstream ")[1].split(" ")[0]
        for name in ("a-b", "a_b", "a.b", "ab")
    }
    assert len(heads) == 4


def test_it_is_read_back_and_recognised() -> None:
    text = told(FRONT, replace(BLUE, weight=95), replace(GREEN, weight=5))
    assert read_upstreams(text.encode()) == (replace(BLUE, weight=95), replace(GREEN, weight=5))
    assert read_upstreams(b"server {}") == read_upstreams(b"# upstreams [7]") == ()
    assert read_upstreams(None) == ()
    assert is_read_by(f"# configuration file x:\n{text}", text.encode())
    assert not is_read_by(told(FRONT, GREEN), text.encode())


def test_the_pid_file_is_the_one_of_the_configuration() -> None:
    assert read_pid_file("user www-data; pid '/run/a.pid';\nevents {}") == "/run/a.pid"
    assert read_pid_file("# pid /run/a.pid;\nevents {}") is None
    assert read_about("nginx version: nginx/1.27.4 (Ubuntu)").pid_file == "/var/run/nginx.pid"


@pytest.mark.parametrize(
    ("dump", "command", "file"),
    [
        ("events {}", ["nginx", "-p", "/srv"], "/usr/share/nginx/run/own.pid"),
        ("pid /run/a.pid;", ["nginx", "-p", "/srv"], "/run/a.pid"),
        ("pid logs/a.pid;", ["nginx"], "/usr/share/nginx/logs/a.pid"),
        ("pid logs/a.pid;", ["nginx", "-p", "/srv/front/"], "/srv/front/logs/a.pid"),
        ("pid a.pid;", ["sudo", "nginx", "-p/srv"], "/srv/a.pid"),
    ],
)
def test_a_path_of_the_pid_file_begins_at_the_prefix(
    dump: str, command: list[str], file: str
) -> None:
    about = read_about(
        "nginx version: nginx/1.22.1\n"
        "configure arguments: --prefix=/usr/share/nginx --pid-path=run/own.pid"
    )
    assert about.pid_file_by(dump, command) == file


def test_what_is_no_nginx_is_told() -> None:
    with pytest.raises(ValueError, match="version"):
        read_about("sh: nginx: not found")


def test_workers_have_taken_over_when_no_former_one_takes_requests() -> None:
    before = parse_workers("7 nginx: worker process\n8 nginx: cache manager process\n")
    assert before == Workers(taking=frozenset({7}), going=frozenset())
    both = parse_workers("7 nginx: worker process\n9 nginx: worker process\n")
    going = parse_workers("7 nginx: worker process is shutting down\n9 nginx: worker process\n")
    none = parse_workers("7 nginx: worker process is shutting down\n9 nginx: master process\n")
    assert not both.took_over_from(before)
    assert going.took_over_from(before)
    assert not none.took_over_from(before)
