"""A report with something of everything; `HOSTILE` can be wherever somebody else's text stands."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from keelway.report.document import ReportDocument

if TYPE_CHECKING:
    from collections.abc import Sequence

BEGAN = datetime(2026, 1, 31, 12, tzinfo=UTC)
HOSTILE = "<script>window.hacked=1</script>\"'><img src=x onerror=hacked=1>"
LOGIN = "https://ci:pa55word@registry.test/"
DIGEST = "sha256:" + "a" * 64
PLATFORMS = ("linux/amd64", "linux/arm64")
TOOL = {"name": "trivy", "version": "0.76.0", "source": "host"}
SEVERITIES = ("critical", "high", "medium", "low", "unknown")


def sample_report(*, findings: int = 12, hostile: bool = False, **changes: Any) -> ReportDocument:
    """Return a refused run.

    Args:
        findings: How many findings each platform has.
        hostile: Whether texts of others try to be more than texts.
        changes: Parts of the report to replace, as data.
    """
    odd = HOSTILE if hostile else ""
    return ReportDocument.model_validate(
        {
            "schema_version": 1,
            "keelway": "0.1.0",
            "project": "shop",
            "outcome": "refused",
            "exit_code": 6,
            "started_at": BEGAN,
            "seconds": 96.4,
            "engine": {"name": "local", "reason": "it is installed", "version": "v0.21.11"},
            "version": "1.4.0",
            "commit": _commit(odd),
            "job": _job(odd),
            "tags": ["1.4.0", "1.4", "latest"],
            "tag_rules": _tag_rules(odd),
            "unused_rules": [{"rule": "type=ref,event=branch", "reason": f"it is a tag{odd}"}],
            "stages": _stages(odd),
            "steps": {"run": 31, "cached": 12, "failed": 1},
            "timings": _timings(odd),
            "images": [{"name": "orders", "platforms": PLATFORMS}],
            "policy": _policy(odd),
            "scan": _scan(findings, odd),
            "sbom": _sbom(odd),
            "tests": _tests(odd),
            "load": _load(odd),
            "verdict": _verdict(odd),
            "published": None,
            "signatures": None,
            "attestations": None,
            "files": [
                {"kind": "sarif", "path": "scan/orders-linux-amd64.sarif", "left_out": 3},
                {"kind": "log", "path": "integration/api/db #1.log", "category": f"api{odd}"},
            ],
            "error": {
                "type": "GateError",
                "message": f"the gate refuses{odd}",
                "diagnostics": f"the gate refuses\nwhy: {LOGIN}{odd}",
            },
            **changes,
        }
    )


def delivered_report(**changes: Any) -> ReportDocument:
    """Return a run that went well to its end."""
    evidence = {
        "image": "orders", "platform": None, "subject": DIGEST, "layout": "referrer",
        "predicate_type": "https://slsa.dev/provenance/v1", "fallback_tag": False,
        "reference": f"localhost:5000/shop/orders@{DIGEST}",
    }  # fmt: skip
    signed = {"signer": f"key {DIGEST}", "tool": TOOL, "evidence": [evidence], "notes": []}
    references = [f"localhost:5000/shop/orders:{tag}@{DIGEST}" for tag in ("1.4.0", "latest")]
    published = {"name": "orders", "digest": DIGEST, "platforms": PLATFORMS}
    verdict = {
        "passed": True, "rule": "critical", "breaches": [], "excepted": [], "warnings": [],
        "not_judged": [],
    }  # fmt: skip
    given = {
        "outcome": "ok", "exit_code": 0, "error": None, "verdict": verdict,
        "published": [{**published, "references": references}],
        "signatures": {**signed, "verify_with": ["--key", "cosign.pub"]},
        "attestations": signed,
    }  # fmt: skip
    return sample_report(**{**given, **changes})


def _commit(odd: str) -> dict[str, Any]:
    return {
        "sha": "0123456789abcdef" * 2 + "01234567", "committed_at": BEGAN, "branch": f"main{odd}",
        "tag": "v1.4.0", "dirty": True, "remote": f"https://example.com/shop.git{odd}",
    }  # fmt: skip


def _job(odd: str) -> dict[str, Any]:
    return {
        "provider": "GitHub Actions", "event": "tag", "repository": "https://example.com/shop",
        "run_url": "javascript:alert(1)" if odd else "https://example.com/shop/runs/7",
        "actor": f"ada{odd}", "pull_request": None,
    }  # fmt: skip


def _tag_rules(odd: str) -> list[dict[str, Any]]:
    rules = {
        "1.4.0": "type=semver,pattern={{version}}",
        "1.4": "type=semver,pattern={{major}}.{{minor}}",
        "latest": "latest, which type=semver,pattern={{version}} brings",
    }
    return [
        {"tag": tag, "rule": rule + odd, "floats": tag != "1.4.0", "notes": []}
        for tag, rule in rules.items()
    ]


def _stages(odd: str) -> list[dict[str, Any]]:
    ran = {
        "build": (0.4, 31.0), "policy": (31.5, 12.2), "scan": (31.5, 22.3), "sbom": (31.6, 9.8),
        "integration": (31.7, 41.0), "load": (73.0, 20.5), "gate": (95.9, 0.05),
    }  # fmt: skip
    stages: list[dict[str, Any]] = [
        {
            "name": name, "status": "ok", "started_at": BEGAN + timedelta(seconds=began),
            "seconds": took, "reason": None, "error": None,
        }
        for name, (began, took) in ran.items()
    ]  # fmt: skip
    stages[0]["items"] = [
        {"name": f"orders ({platform}){odd}", "status": "ok", "began_s": 0.5, "seconds": seconds}
        for platform, seconds in zip(PLATFORMS, (12.5, 30.4), strict=True)
    ]
    stages[-1].update(status="failed", error=f"the gate refuses 2 things{odd}")
    later = {"started_at": BEGAN + timedelta(seconds=96), "seconds": None, "error": None}
    stages.append(
        {"name": "sign", "status": "skipped", "reason": f"sign.enabled is false{odd}", **later}
    )
    return stages


def _timings(odd: str) -> dict[str, Any]:
    steps = [
        {
            "name": f"Dockerfile:{number}: RUN step {number}{odd}", "began_s": number * 2.5,
            "seconds": 0.0 if number % 3 == 0 else 2.0 + number / 4, "cached": number % 3 == 0,
            "error": f"exit code: 2{odd}" if number == 7 else None,
        }
        for number in range(12)
    ]  # fmt: skip
    return {"steps": steps, "left_out": 32}


def _policy(odd: str) -> dict[str, Any]:
    layers = {
        f"# debian.sh --arch 'amd64' out/ 'bookworm'{odd}": 74_800_000,
        "RUN apt-get update && apt-get install --yes --no-install-recommends python3": 38_200_000,
        "COPY --from=build /venv /venv": 21_400_000,
        "COPY app.py /srv/app.py": 8_200,
    }
    by_layer = [
        {
            "digest": f"sha256:{number:064x}", "size_bytes": size,
            "compressed_bytes": size * 2 // 5, "created_by": made,
        }
        for number, (made, size) in enumerate(layers.items(), 1)
    ]  # fmt: skip
    size = sum(layers.values())
    measures = [
        {
            "image": "orders", "platform": platform, "size_bytes": size, "layers": len(layers),
            "largest_layer_bytes": max(layers.values()), "wasted_bytes": 120_000,
            "compressed_bytes": size * 2 // 5, "by_layer": by_layer,
        }
        for platform in PLATFORMS
    ]  # fmt: skip
    start = {
        "image": "orders", "platform": PLATFORMS[1], "healthy_ms": 2310, "memory_bytes": 41_000_000,
        "stopped_ms": 130, "noticed_ms": 2900, "emulated": True,
    }  # fmt: skip
    rule = {"image": "orders", "platform": PLATFORMS[0], "where": None}
    results = [
        {
            **rule, "rule": "starts", "outcome": "failed", "message": f"it did not start{odd}",
            "next_step": "mend it", "output": f"Traceback: {LOGIN}{odd}", "where": "Dockerfile:7",
        },
        {**rule, "rule": "no-package-manager", "outcome": "warned", "message": "it holds apt"},
        {**rule, "rule": "user-not-root", "outcome": "passed", "message": "another user"},
    ]  # fmt: skip
    told = {"starts": [start], "notes": [f"a note{odd}"]}
    return {"results": results, "measures": measures, **told}


def _finding(number: int, odd: str) -> dict[str, Any]:
    fixed = number % 2 == 0
    return {
        "kind": "vulnerability", "id": f"CVE-2025-{1000 + number}",
        "severity": SEVERITIES[min(number % 7, 4)], "title": f"a hole number {number}{odd}",
        "where": "orders (debian 12.5)", "package": f"lib{chr(97 + number % 26)}{odd}",
        "version": f"1.{number}", "fixed_in": f"1.{number + 1}" if fixed else None,
        "url": "javascript:alert(1)" if odd else f"https://example.com/CVE-2025-{1000 + number}",
        "purl": None, "published": date(2025, 3, 1), "epss": 0.042 if number % 3 else None,
        "known_exploited": number == 0, "found_by": ["trivy", "grype"] if fixed else ["trivy"],
    }  # fmt: skip


def _scan(findings: int, odd: str) -> dict[str, Any]:
    found = [_finding(number, odd) for number in range(findings)]
    counts = {level: sum(one["severity"] == level for one in found) for level in SEVERITIES}
    targets = [
        {
            "image": "orders", "platform": platform, "image_id": DIGEST, "counts": counts,
            "findings": found, "report": "scan/orders.trivy.json",
            "second_opinions": [
                {
                    "tool": {**TOOL, "name": "grype"}, "found": 3, "alone": 1,
                    "database_built_at": BEGAN, "report": "scan/orders.grype.json",
                }
            ],
        }
        for platform in PLATFORMS
    ]  # fmt: skip
    return {
        "tool": TOOL, "scanners": ["vuln", "secret"], "counts": counts,
        "notes": [f"licenses were not looked at{odd}"], "targets": targets,
    }  # fmt: skip


def _sbom(odd: str) -> dict[str, Any]:
    documents = [
        {
            "image": "orders", "platform": platform, "format": "cyclonedx-json",
            "path": f"sbom/orders-{platform.replace('/', '-')}.cdx.json", "sha256": DIGEST,
            "subject": DIGEST, "packages": 40,
        }
        for platform in PLATFORMS
    ]  # fmt: skip
    places = [f"orders ({platform})" for platform in PLATFORMS]
    packages = [
        {
            "name": f"package-{number}{odd}", "version": f"{number % 9}.{number}",
            "kind": "deb" if number % 3 else "pypi", "licenses": ["MIT"] if number % 2 else [],
            "found_in": places if number % 5 else places[:1],
        }
        for number in range(40)
    ]  # fmt: skip
    return {"tool": {**TOOL, "name": "syft"}, "documents": documents, "packages": packages}


def _tests(odd: str) -> dict[str, Any]:
    passed = [_case(f"test_{number}", "passed", "") for number in range(8)]
    failed = _case("test_order_is_kept", "failed", f"expected 201, got 503{odd}")
    database = _service(
        "db", "exited", odd, code=1, why="it ended before it got healthy",
        health="exit code 2: no response", tail=f'FATAL: role "orders" does not exist{odd}',
        events=["0.4 started", "2.1 exited with code 1"],
    )  # fmt: skip
    service = _service(
        "orders", "blocked", odd, why=f"it waits for db, which never got healthy{odd}",
        health="", tail="", events=["0.3 waits for db (service_healthy)"],
    )  # fmt: skip
    proxy = _service("proxy", "healthy", odd, tail="listening", events=["0.2 healthy"])
    suites = [
        _suite(f"api{odd}", [failed, *passed], [proxy, database, service], code=1),
        _suite("smoke", passed[:2], [proxy], code=0),
        _suite("faults", passed[:1], [{**proxy, "experiment": f"no-db{odd}"}], code=0),
    ]
    suites[2]["faults"] = [
        {
            "name": f"no-db{odd}", "service": "db", "done": f"killed db by SIGKILL{odd}",
            "probe": "http://orders:8080/health", "expect": "degrades", "slowest_s": 1.25,
            "answers": {"503": 4, "none": 1}, "recovered_s": 2.5, "within_s": 10,
            "log": "integration/faults/no-db.log",
        }
    ]  # fmt: skip
    return {"suites": suites, "notes": ["deploy.resources of db: not enforced here"]}


def _case(name: str, status: str, message: str) -> dict[str, Any]:
    return {
        "name": name, "classname": "api.Orders", "status": status, "seconds": 0.25,
        "message": message, "output": f"{message}\nat test_api.py:7" if message else "",
    }  # fmt: skip


def _service(name: str, state: str, odd: str, **told: Any) -> dict[str, Any]:
    return {
        "name": f"{name}{odd}", "state": state, "code": None, "why": "", "health": "",
        "restarts": 1 if state == "exited" else 0, "log": f"integration/api/{name}.log", **told,
    }  # fmt: skip


def _suite(
    name: str, cases: Sequence[dict[str, Any]], services: Sequence[dict[str, Any]], *, code: int
) -> dict[str, Any]:
    return {
        "name": name, "platform": PLATFORMS[0], "images": ["orders"], "code": code,
        "seconds": 12.5, "log": "integration/api/tests.log", "tail": "1 failed, 8 passed",
        "cases": cases, "services": services,
    }  # fmt: skip


def _load(odd: str) -> dict[str, Any]:
    measure = {
        "counted": "http", "requests": 5210, "error_rate": 0.0012, "throughput": 260.4,
        "avg_ms": 11.2, "p50_ms": 9.1, "p90_ms": 19.5, "p95_ms": 25.4, "p99_ms": 61.0,
        "max_ms": 212.0, "checks_passed": 5204, "checks_failed": 6,
    }  # fmt: skip
    return {
        "script": f"load.js{odd}", "target": "http://orders:8080", "tool": {**TOOL, "name": "k6"},
        "measure": measure, "released": {**measure, "p95_ms": 20.0, "throughput": 240.0},
        "thresholds": [
            {"metric": "http_req_duration", "expression": f"p(95)<20{odd}", "crossed": True},
            {"metric": "http_req_failed", "expression": "rate<0.01", "crossed": False},
        ],
        "regressions": [{"figure": "latency", "text": "p95 grew by 27 %", "crossed": True}],
        "marked": False, "summary": "load/summary.json", "log": "load/k6.log", "notes": [],
    }  # fmt: skip


def _verdict(odd: str) -> dict[str, Any]:
    breaches = [
        {
            "image": "orders", "platform": PLATFORMS[0], "id": f"CVE-2025-1000{odd}",
            "because": "severity", "text": f"critical vulnerability in liba 1.0{odd}",
        },
        {
            "image": "orders", "platform": PLATFORMS[0], "id": "api/api.Orders.test_order_is_kept",
            "because": "tests", "text": "expected 201, got 503",
        },
    ]  # fmt: skip
    excepted = [
        {
            "image": "orders", "platform": PLATFORMS[1], "id": "CVE-2025-1001",
            "reason": f"not reachable{odd}", "owner": f"shop{odd}", "expires": date(2026, 6, 30),
        }
    ]  # fmt: skip
    return {
        "passed": False, "rule": f"critical findings, failed tests{odd}", "breaches": breaches,
        "excepted": excepted, "warnings": [f"an exception is unused{odd}"],
        "not_judged": ["license findings: they are listed only"],
    }  # fmt: skip
