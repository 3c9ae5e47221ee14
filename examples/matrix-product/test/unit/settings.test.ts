import assert from "node:assert/strict";
import { it } from "node:test";

import { readSettings } from "../../src/settings.js";

it("has what a container needs without being told", () => {
  assert.deepEqual(readSettings({}), {
    port: 8080,
    redisUrl: "redis://redis:6379",
    version: "unversioned",
  });
});

it("names the variable that cannot be used", () => {
  assert.throws(() => readSettings({ PORT: "http" }), /PORT is no port: http/);
  assert.throws(() => readSettings({ REDIS_URL: "mysql://db" }), /REDIS_URL is no address/);
});
