// Snyk's command line as its pages describe it (docs.snyk.io, "Snyk CLI commands", `container test`),
// for machines that have neither an account nor its service: it finds one thing in every image.
import { existsSync, writeFileSync } from "node:fs";

const FAILURE = 2; // "try to re-run the command"; 1 is "vulnerabilities found"
const words = process.argv.slice(2);

function fail(text) {
  console.error(text);
  process.exit(FAILURE);
}

if (words[0] === "--version") {
  console.log("1.1300.0");
  process.exit(0);
}
const [group, command, image, ...options] = words;
if (group !== "container" || command !== "test") fail(`unknown command: ${words.join(" ")}`);
if (process.env.SNYK_TOKEN !== "stand-in") fail("Authentication error (SNYK-0005)");
if (!image.startsWith("oci-archive:") || !existsSync(image.slice("oci-archive:".length))) {
  fail(`no image at ${image}`);
}
const output = options.find((word) => word.startsWith("--json-file-output="));
const report = {
  vulnerabilities: [
    {
      id: "SNYK-JS-CATALOG-1",
      title: "Prototype Pollution",
      severity: "high",
      packageName: "prom-client",
      version: "15.1.3",
      nearestFixedInVersion: "15.1.4",
      publicationTime: "2024-03-01T00:00:00Z",
      identifiers: { CVE: ["CVE-2024-99999"], CWE: ["CWE-1321"] },
    },
  ],
  ok: false,
  packageManager: "deb",
};
writeFileSync(output.slice("--json-file-output=".length), JSON.stringify(report));
process.exit(1);
