import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, it } from "node:test";

import { openMetrics } from "../../src/metrics.js";
import { createCatalog } from "../../src/server.js";
import { openMemoryStore } from "../memory.js";

describe("the catalog", () => {
  const answers = { yes: true };
  let server: ReturnType<typeof createCatalog>;
  let url = "";

  beforeEach(async () => {
    answers.yes = true;
    server = createCatalog(openMemoryStore(answers), openMetrics(), "1.4.0");
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterEach(async () => {
    const closed = new Promise((done) => server.close(done));
    server.closeIdleConnections(); // which fetch would keep for four seconds
    await closed;
  });

  const put = (sku: string, body: unknown) =>
    fetch(`${url}/products/${sku}`, { method: "PUT", body: JSON.stringify(body) });
  const reserve = (sku: string, quantity: number) =>
    fetch(`${url}/products/${sku}/reservations`, {
      method: "POST",
      body: JSON.stringify({ quantity }),
    });

  it("says which version it is", async () => {
    const answer = await fetch(`${url}/health`);
    assert.deepEqual(await answer.json(), { status: "ok", version: "1.4.0" });
  });

  it("keeps a product and lists it", async () => {
    const tea = { name: "Tea", priceCents: 490, stock: 3 };
    assert.equal((await put("tea", tea)).status, 200);
    const listed = await (await fetch(`${url}/products`)).json();
    assert.deepEqual(listed, [{ sku: "tea", ...tea }]);
  });

  it("never gives away more than there is", async () => {
    await put("tea", { name: "Tea", priceCents: 490, stock: 3 });
    assert.equal((await reserve("tea", 2)).status, 201);
    assert.equal((await reserve("tea", 2)).status, 409);
    const left = (await (await fetch(`${url}/products/tea`)).json()) as { stock: number };
    assert.equal(left.stock, 1);
  });

  it("knows nothing of what is not on sale", async () => {
    assert.equal((await reserve("coffee", 1)).status, 404);
    assert.equal((await fetch(`${url}/nowhere`)).status, 404);
  });

  it("says what is wrong with a request", async () => {
    const answer = await put("tea", { name: "Tea", priceCents: -1, stock: 1 });
    assert.equal(answer.status, 400);
    assert.match(await answer.text(), /priceCents is a whole number, 0 at least/);
    assert.equal((await put("Tea", {})).status, 400);
  });

  it("is alive without its Redis, and not ready", async () => {
    answers.yes = false;
    assert.equal((await fetch(`${url}/health`)).status, 200);
    assert.equal((await fetch(`${url}/ready`)).status, 503);
    assert.equal((await reserve("tea", 1)).status, 503);
  });

  it("counts its requests", async () => {
    await fetch(`${url}/products`);
    const text = await (await fetch(`${url}/metrics`)).text();
    assert.match(text, /http_requests_total\{method="GET",route="\/products",status="200"\} 1/);
  });
});
