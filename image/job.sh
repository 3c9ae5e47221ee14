#!/usr/bin/env bash
# Runs inside of the image: all that a CI's job would do with it, in a project of two files.
set -euo pipefail
say() { printf '\n==> %s\n' "$*"; }

say 'the command and the tools are there'
keelway version
for tool in trivy syft hadolint cosign k6 git skopeo mmdebstrap; do
  command -v "$tool" >/dev/null || { echo "missing: $tool"; exit 1; }
done

say 'a project of two files'
mkdir -p /work/project && cd /work/project
printf 'hello\n' >hello.txt
printf 'FROM scratch\nCOPY hello.txt /\nUSER 65532:65532\nCMD ["/hello"]\n' >Dockerfile
printf '.keelway\n' >.dockerignore
keelway init
keelway plan

say 'without rights, commands are isolated by chroot'
export KEELWAY_STORE=/tmp/store KEELWAY_CI=none
keelway doctor || true
keelway release
python3 - <<'PY'
import json
report = json.load(open(".keelway/report.json"))
assert report["outcome"] == "ok", report["outcome"]
PY
