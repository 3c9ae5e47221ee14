#!/usr/bin/env python3
"""Prints what a report.json of keelway tells, and how to look at what was published."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def looks_for(report: dict[str, Any]) -> int:
    """Return how often the engine was asked what was found before; nothing was run for it."""
    suites = (report["tests"] or {}).get("suites", ())
    asked = sum(len(suite["faults"]) or 1 for suite in suites)
    asked += sum(len(image["platforms"]) for image in report["published"] or ())  # the archives
    return asked + (2 if report["load"] else 0)  # for load, what the machine is too


def all_reused(report: dict[str, Any]) -> bool:
    """Tell whether no test had to run."""
    suites = (report["tests"] or {}).get("suites", ())
    return all(one["reused"] for one in (*suites, report["load"]) if one)


def print_tests(suites: Sequence[dict[str, Any]]) -> None:
    """Print what was tested, and what the services did when one was hurt."""
    for suite in suites:
        beside = ", ".join(dict.fromkeys(service["name"] for service in suite["services"]))
        again = f", reused from {suite['ran_at']}" if suite["reused"] else ""
        print(f"tests      {suite['name']}: {len(suite['cases'])} beside {beside}{again}")
        for fault in suite["faults"]:
            print(f"           {fault['done']}: recovered after {fault['recovered_s']} s")


def main(path: Path) -> int:
    report: dict[str, Any] = json.loads(path.read_text())
    steps = report["steps"]
    total = sum(steps.values())
    print(f"report     {path}")
    print(f"engine     {report['engine']['name']}: {report['engine']['reason']}")
    print(
        f"steps      {steps['run']} run, {steps['cached']} of {total} cached, "
        f"in {report['seconds']:.1f} s"
    )
    pushes = sum(len(image["references"]) for image in report["published"] or ())
    suites = (report["tests"] or {}).get("suites", ())
    few = steps["run"] <= pushes + looks_for(report)
    if few and steps["cached"] and all_reused(report):
        print("           all but the pushes was cached or reused: nothing had changed")
    print_tests(suites)
    if report["load"]:
        measure = report["load"]["measure"]
        print(
            f"load       {measure['requests']} requests, {measure['throughput']:.0f} in a second, "
            f"95 % within {measure['p95_ms']:.0f} ms"
            + (f", reused from {report['load']['ran_at']}" if report["load"]["reused"] else "")
        )
    for document in (report["sbom"] or {}).get("documents", ()):
        print(
            f"sbom       {document['platform']}, {document['packages']} packages: "
            f"{path.parent / document['path']}"
        )
    for image in report["published"] or ():
        tagged = image["references"][0].partition("@")[0]
        print("look at it")
        print(f"  skopeo inspect --raw --tls-verify=false docker://{tagged}")
        for platform in image["platforms"]:
            architecture = platform.split("/")[1]
            print(
                f"  skopeo copy --src-tls-verify=false --override-arch {architecture} "
                f"docker://{tagged} oci:/tmp/{image['name']}-{architecture}"
            )
    return 0 if report["outcome"] == "ok" else report["exit_code"]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
