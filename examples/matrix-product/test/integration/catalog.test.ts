// Runs beside the production image and its Redis, as compose.yaml starts them.
import assert from "node:assert/strict";
import { it } from "node:test";

const url = process.env["CATALOG_URL"] ?? "http://catalog:8080";
const sku = `tea-${process.pid}`;

const reserve = (quantity: number) =>
  fetch(`${url}/products/${sku}/reservations`, {
    method: "POST",
    body: JSON.stringify({ quantity }),
  });

it("is ready, with its Redis", async () => {
  assert.equal((await fetch(`${url}/ready`)).status, 200);
});

it("is the version that was built", async () => {
  const { version } = (await (await fetch(`${url}/health`)).json()) as { version: string };
  assert.match(version, /^\d+\.\d+\.\d+$/);
});

it("gives the last pieces to whoever comes first, and to nobody twice", async () => {
  const body = JSON.stringify({ name: "Tea", priceCents: 490, stock: 10 });
  assert.equal((await fetch(`${url}/products/${sku}`, { method: "PUT", body })).status, 200);
  const statuses = await Promise.all(Array.from({ length: 25 }, async () => (await reserve(1)).status));
  assert.equal(statuses.filter((status) => status === 201).length, 10);
  assert.equal(statuses.filter((status) => status === 409).length, 15);
});

it("lists what it keeps", async () => {
  const products = (await (await fetch(`${url}/products`)).json()) as { sku: string }[];
  assert.ok(products.some((product) => product.sku === sku));
});
