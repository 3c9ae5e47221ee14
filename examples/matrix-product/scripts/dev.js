// Development: compile what is there, then serve it. `keelway dev` starts this again whenever a
// source was changed; what does not compile is told, and the last good version is served.
import { spawnSync } from "node:child_process";

spawnSync(process.execPath, ["node_modules/typescript/bin/tsc", "--pretty"], { stdio: "inherit" });
await import("../dist/src/main.js");
