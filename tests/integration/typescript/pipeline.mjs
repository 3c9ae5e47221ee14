// A pipeline as a user of Dagger's TypeScript SDK writes it; prints what it found as JSON.
// Arguments: an image to start from, where to publish, a folder with a Dockerfile, a nonce.
import { connection, dag, ExecError } from "@dagger.io/dagger"

const [image, address, folder, nonce] = process.argv.slice(2)
const found = {}

async function build() {
  const source = dag.host().directory(folder, { exclude: ["*.log"] })
  found.entries = await source.entries()
  const built = source.dockerBuild({
    target: "runtime",
    buildArgs: [{ name: "BASE", value: image }, { name: "GREETING", value: "hello" }],
    secrets: [dag.setSecret("token", `secret-${nonce}`)],
  })
  found.built = await built.file("/said.txt").contents()
  found.labels = []
  for (const label of await built.labels()) {
    found.labels.push([await label.name(), await label.value()])
  }
  found.published = await built
    .withLabel("nonce", nonce)
    .publish(address, { platformVariants: [] })
}

async function exec() {
  const ready = dag
    .container({ platform: await dag.defaultPlatform() })
    .from(image)
    .withEnvVariable("NONCE", nonce)
    .withNewFile("/in/über \"quoted\".txt", "línea\n$x\n")
    .withMountedCache("/cache", dag.cacheVolume("typescript"))
  found.output = await ready
    .withExec(["sh", "-c", 'cat "/in/über \\"quoted\\".txt"; echo $NONCE'])
    .stdout()
  const [one, two] = await Promise.all(
    ["one", "two"].map((word) => ready.withExec(["echo", word]).stdout()),
  )
  found.parallel = [one, two]
  try {
    await ready.withExec(["sh", "-c", "echo out; echo err >&2; exit 3"]).sync()
  } catch (error) {
    found.failed = {
      isExecError: error instanceof ExecError,
      exitCode: error.exitCode,
      stdout: error.stdout,
      stderr: error.stderr,
      message: error.message,
    }
  }
  try {
    await dag.container().from(image).directory("/no/such").entries()
  } catch (error) {
    found.missing = error.message
  }
}

async function service() {
  const web = dag
    .container()
    .from(image)
    .withNewFile("/www/index.html", `page ${nonce}`)
    .withExposedPort(80)
    .asService({ args: ["httpd", "-f", "-p", "80", "-h", "/www"] })
  found.page = await dag
    .container()
    .from(image)
    .withServiceBinding("web", web)
    .withExec(["wget", "-q", "-O", "-", "http://web/"])
    .stdout()
  const tunnel = await dag.host().tunnel(web).start()
  const answer = await fetch(await tunnel.endpoint({ scheme: "http" }))
  found.tunnelled = await answer.text()
  await tunnel.stop()
}

await connection(
  async () => {
    found.version = await dag.version()
    await build()
    await exec()
    await service()
  },
  { LogOutput: process.stderr },
)
console.log(JSON.stringify(found))
