#!/usr/bin/env bash
# The release of examples/orders as a shell script: what `keelway release` is measured against.
#
#   cd examples/orders && COSIGN_KEY=... DATABASE_PASSWORD=... PYTHON_BASE=... PYTHON_BUILD_BASE=... \
#     POSTGRES_BASE=... bench/release.sh REPOSITORY STATE
#
# REPOSITORY is where the image goes (localhost:5000/demo/orders); STATE keeps layers, the caches of
# tools, and what was made. Needs root, buildah, skopeo, trivy, syft, k6, cosign and jq.
#
# Written as one would for a CI job: layers and databases are kept from run to run, what is scanned
# is what is pushed, by digest, and every step must succeed before the next one begins. What keelway
# does and this does not is listed in bench/README.md.
set -euo pipefail

repository="$1"
state="$(mkdir -p "$2" && cd "$2" && pwd)"
registry="${repository%%/*}"
version=1.4.0
commit="$(git rev-parse --short=7 HEAD)"
branch="$(git branch --show-current)"
native="$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')"
out="$state/out"
rm -rf "$out"
mkdir -p "$out" "$state/trivy"

export BUILDAH_ISOLATION=chroot COSIGN_PASSWORD='' SYFT_CHECK_FOR_APP_UPDATE=false
export STORAGE_DRIVER=overlay
# Builds trust whom this machine trusts, also where a proxy speaks for the package index.
certificates=/etc/ssl/certs/ca-certificates.crt
buildah() { command buildah --root "$state/storage" --runroot "$state/run" "$@"; }
build() {
  buildah build --quiet --layers --tls-verify=false \
    --volume "$certificates:$certificates:ro" --build-arg "PYTHON_BASE=$PYTHON_BASE" \
    --build-arg "PYTHON_BUILD_BASE=$PYTHON_BUILD_BASE" --build-arg "APP_VERSION=$version" "$@"
}
began="${EPOCHREALTIME/./}"
step() { printf '%8.1f s  %s\n' "$(((${EPOCHREALTIME/./} - began) / 100000))e-1" "$*" >&2; }

# --- the image for both platforms, its tests, and the database of the tests ------------------------

for platform in amd64 arm64; do
  step "build $platform"
  build --platform "linux/$platform" --target runtime --tag "orders:$platform" . >/dev/null
  buildah push --quiet "orders:$platform" "oci:$out/$platform:latest"
done
step 'build the tests and the database'
build --platform "linux/$native" --target integration --tag orders-tests . >/dev/null
build --platform "linux/$native" --build-arg "POSTGRES_BASE=$POSTGRES_BASE" --tag orders-db postgres >/dev/null

# --- what is in it ---------------------------------------------------------------------------------

for platform in amd64 arm64; do
  step "scan $platform"
  trivy image --input "$out/$platform" --scanners secret,misconfig,license \
    --image-config-scanners misconfig,secret --format json --output "$out/$platform.trivy.json" \
    --cache-dir "$state/trivy" --offline-scan --skip-db-update --skip-java-db-update \
    --skip-check-update --skip-version-check --disable-telemetry --no-progress --quiet
  jq -e '[.Results[]? | (.Secrets // [])[], ((.Misconfigurations // [])[] | select(.Status == "FAIL"))
    | select(.Severity == "HIGH" or .Severity == "CRITICAL")] == []' "$out/$platform.trivy.json" >/dev/null
  step "list $platform"
  syft scan "oci-dir:$out/$platform" --source-name orders --quiet \
    -o "spdx-json=$out/$platform.spdx.json" -o "cyclonedx-json=$out/$platform.cdx.json"
done

# --- tests beside the database, and load -----------------------------------------------------------

printf '%s' "$DATABASE_PASSWORD" >"$state/password"
chmod 0444 "$state/password"
# Namespaces of their own: ports are free, and nothing outlives the tests.
step 'tests and load'
export -f buildah step
export state native out began
unshare --net --pid --fork --kill-child --mount-proc bash -euo pipefail /dev/fd/3 3<<'TESTS' </dev/null
ip link set lo up
database="$(buildah from --pull-never orders-db)"
service="$(buildah from --pull-never "orders:$native")"
tests="$(buildah from --pull-never orders-tests)"
secret=(--volume "$state/password:/run/secrets/database-password:ro")

start_database() {
  buildah run "${secret[@]}" --env POSTGRES_USER=orders --env POSTGRES_FSYNC=off \
    --env POSTGRES_PASSWORD_FILE=/run/secrets/database-password "$database" -- start-postgres \
    >>"$out/database.log" 2>&1 &
}
status() { curl -s -o /dev/null -w '%{http_code}' --max-time 3 "http://127.0.0.1:8080/$1" || true; }
until_status() { # PATH STATUS
  for _ in $(seq 300); do
    if [ "$(status "$1")" = "$2" ]; then return; fi
    sleep 0.1
  done
  echo "/$1 is not $2" >&2
  tail -n 20 "$out"/*.log >&2
  return 1
}

start_database
buildah run "${secret[@]}" --env ORDERS_DATABASE_URL=postgresql://orders@127.0.0.1:5432/orders \
  --env ORDERS_DATABASE_PASSWORD_FILE=/run/secrets/database-password "$service" -- \
  python -m orders serve >"$out/service.log" 2>&1 &
until_status 'health?ready' 200
step 'integration tests'
buildah run --env ORDERS_URL=http://127.0.0.1:8080 "$tests" -- \
  /opt/venv/bin/python -m pytest -p no:cacheprovider -q --junitxml=/tmp/integration.xml integration \
  >"$out/tests.log" 2>&1 || { cat "$out/tests.log" >&2; exit 1; }

step 'the database is killed'
kill -KILL $(pgrep -x postgres)  # of this namespace
until_status 'health?ready' 503
[ "$(status health)" = 200 ]
sleep 1
rm -f "$(buildah mount "$database")/var/lib/postgresql/data/postmaster.pid"
start_database
until_status 'health?ready' 200

step 'load'
k6 run --quiet --no-color --no-usage-report --address '' --env TARGET=http://127.0.0.1:8080 \
  --summary-export "$out/load.json" load/orders.js >"$out/load.log" 2>&1 ||
  { cat "$out/load.log" >&2; exit 1; }
TESTS
buildah rm --all >/dev/null

# --- publish, sign, state --------------------------------------------------------------------------

step 'push'
platforms=()
buildah manifest rm orders >/dev/null 2>&1 || true
buildah manifest create orders >/dev/null
for platform in amd64 arm64; do
  skopeo copy --quiet --dest-tls-verify=false --digestfile "$out/$platform.digest" \
    "oci:$out/$platform:latest" "docker://$repository:$version-$platform"
  digest="$(cat "$out/$platform.digest")"
  platforms+=("$repository@$digest")
  buildah manifest add --tls-verify=false orders "docker://$repository@$digest" >/dev/null
done
buildah manifest push --quiet --all --tls-verify=false --digestfile "$out/index.digest" orders \
  "docker://$repository:$version"
index="$repository@$(cat "$out/index.digest")"
for tag in "sha-$commit" ${branch:+"$branch"}; do
  skopeo copy --quiet --all --preserve-digests --src-tls-verify=false --dest-tls-verify=false \
    "docker://$index" "docker://$repository:$tag"
done

step 'sign'
cosign=(--key "$COSIGN_KEY" --tlog-upload=false --use-signing-config=false --allow-http-registry --yes)
cosign sign --recursive "${cosign[@]}" "$index" 2>"$out/cosign.log"

step 'attest'
attest() { # TYPE FILE REFERENCE
  cosign attest "${cosign[@]}" --type "$1" --predicate "$2" "$3" 2>>"$out/cosign.log"
}
for platform in amd64 arm64; do
  reference="$repository@$(cat "$out/$platform.digest")"
  attest spdxjson "$out/$platform.spdx.json" "$reference"
  attest cyclonedx "$out/$platform.cdx.json" "$reference"
  attest vuln "$out/$platform.trivy.json" "$reference"
done
jq --null-input --arg commit "$(git rev-parse HEAD)" --arg base "$PYTHON_BASE" \
  --arg build "$PYTHON_BUILD_BASE" --arg version "$version" '{
    buildDefinition: {
      buildType: "https://example.com/shell",
      externalParameters: { dockerfile: "Dockerfile", target: "runtime", version: $version },
      resolvedDependencies: [{ uri: "git", digest: { gitCommit: $commit } }, { uri: $base }, { uri: $build }]
    },
    runDetails: { builder: { id: "https://example.com/shell" } }
  }' >"$out/provenance.json"
attest slsaprovenance1 "$out/provenance.json" "$index"
step "done: $index"
