import { get } from "node:http";

import { log } from "./log.js";
import { openMetrics } from "./metrics.js";
import { createCatalog } from "./server.js";
import { readSettings, type Settings } from "./settings.js";
import { openRedisStore } from "./store.js";

const ASKED_MS = 3000;

/** Serve until a signal comes; requests that are under way are answered first. */
function serve(settings: Settings): void {
  const store = openRedisStore(settings.redisUrl);
  const server = createCatalog(store, openMetrics(), settings.version);
  server.listen(settings.port, () => {
    log("info", "listening", { port: settings.port, version: settings.version });
  });
  const stop = (signal: NodeJS.Signals): void => {
    log("info", "stopping", { signal });
    server.close(() => void store.close());
    server.closeIdleConnections();
  };
  process.once("SIGTERM", stop).once("SIGINT", stop);
}

/** Ask the service of this container, as its health check; the exit code says how it is. */
function ask(settings: Settings, path: string): void {
  const request = get({ port: settings.port, path, timeout: ASKED_MS }, (response) => {
    response.resume();
    process.exitCode = response.statusCode === 200 ? 0 : 1;
  });
  request.on("timeout", () => request.destroy(new Error("no answer")));
  request.on("error", (error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  });
}

const settings = readSettings(process.env);
switch (process.argv[2] ?? "serve") {
  case "serve":
    serve(settings);
    break;
  case "health":
    ask(settings, "/health");
    break;
  case "ready":
    ask(settings, "/ready");
    break;
  default:
    process.stderr.write("main.js [serve|health|ready]\n");
    process.exitCode = 2;
}
