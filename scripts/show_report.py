#!/usr/bin/env python3
"""Prints what a report.json of keelway tells, and how to look at what was published."""

import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def service_sets(suites: Sequence[dict[str, Any]]) -> list[int]:
    """Return how many services each suite had beside it; each experiment has its own."""
    sets = Counter(
        (suite["name"], service["experiment"]) for suite in suites for service in suite["services"]
    )
    return list(sets.values())


def print_tests(suites: Sequence[dict[str, Any]]) -> None:
    """Print what was tested, and what the services did when one was hurt."""
    for suite in suites:
        beside = ", ".join(dict.fromkeys(service["name"] for service in suite["services"]))
        print(f"tests      {suite['name']}: {len(suite['cases'])} beside {beside}")
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
    # Tests are never cached: each is a question to the engine, its services, the tests, two looks.
    suites = (report["tests"] or {}).get("suites", ())
    sets = service_sets(suites)
    tested = sum(sets) + 4 * len(sets)
    if report["load"]:
        tested += max(sets, default=0) + 4
    if steps["run"] <= pushes + tested and steps["cached"]:
        print("           all but the tests and the pushes was cached: nothing had changed")
    print_tests(suites)
    if report["load"]:
        measure = report["load"]["measure"]
        print(
            f"load       {measure['requests']} requests, {measure['throughput']:.0f} in a second, "
            f"95 % within {measure['p95_ms']:.0f} ms"
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
