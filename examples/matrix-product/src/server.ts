import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

import { log } from "./log.js";
import type { Metrics } from "./metrics.js";
import { BadInput, parseProduct, parseQuantity } from "./products.js";
import type { Store } from "./store.js";

/** What a request is answered with. */
interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** What a request is, as the metrics call it, and what answers it. */
interface Route {
  readonly name: string;
  answer(): Promise<Answer>;
}

const LARGEST_BODY = 64 * 1024;
const NOT_FOUND: Answer = { status: 404, body: { error: "there is no such thing" } };

/** Return the service; it listens nowhere yet. */
export function createCatalog(store: Store, metrics: Metrics, version: string): Server {
  return createServer((request, response) => {
    const begun = process.hrtime.bigint();
    const method = request.method ?? "GET";
    const route = routeOf(request, method, store, version);
    answered(route, metrics, response)
      .catch((error: unknown) => fail(error, response))
      .finally(() => {
        const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
        metrics.seen(method, route.name, response.statusCode, seconds);
      });
  });
}

async function answered(route: Route, metrics: Metrics, response: ServerResponse): Promise<void> {
  if (route.name === "/metrics") {
    const text = await metrics.text();
    response.writeHead(200, { "content-type": metrics.contentType }).end(text);
    return;
  }
  const { status, body } = await route.answer();
  send(response, status, body);
}

function routeOf(request: IncomingMessage, method: string, store: Store, version: string): Route {
  const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
  const [, first, sku, third, ...more] = path.split("/");
  if (method === "GET" && path === "/health") {
    return { name: path, answer: async () => ({ status: 200, body: { status: "ok", version } }) };
  }
  if (method === "GET" && path === "/ready") return { name: path, answer: () => ready(store) };
  if (method === "GET" && path === "/metrics") return { name: path, answer: async () => NOT_FOUND };
  if (first === "products" && more.length === 0) {
    if (sku === undefined && method === "GET") {
      return { name: "/products", answer: async () => ({ status: 200, body: await store.all() }) };
    }
    if (sku && third === undefined && method === "GET") {
      return { name: "/products/:sku", answer: () => find(store, sku) };
    }
    if (sku && third === undefined && method === "PUT") {
      return { name: "/products/:sku", answer: () => put(store, sku, request) };
    }
    if (sku && third === "reservations" && method === "POST") {
      return { name: "/products/:sku/reservations", answer: () => reserve(store, sku, request) };
    }
  }
  return { name: "other", answer: async () => NOT_FOUND };
}

async function ready(store: Store): Promise<Answer> {
  return (await store.ready())
    ? { status: 200, body: { status: "ready" } }
    : { status: 503, body: { status: "redis does not answer" } };
}

async function find(store: Store, sku: string): Promise<Answer> {
  const product = await store.find(sku);
  return product === undefined ? NOT_FOUND : { status: 200, body: product };
}

async function put(store: Store, sku: string, request: IncomingMessage): Promise<Answer> {
  const product = parseProduct(sku, await readBody(request));
  await store.put(product);
  return { status: 200, body: product };
}

async function reserve(store: Store, sku: string, request: IncomingMessage): Promise<Answer> {
  const reserved = await store.reserve(sku, parseQuantity(await readBody(request)));
  if (reserved === "unknown") return NOT_FOUND;
  if (reserved === "sold-out") return { status: 409, body: { error: "not so many are left" } };
  return { status: 201, body: { sku, left: reserved.left } };
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > LARGEST_BODY) throw new BadInput(`a body has ${LARGEST_BODY} bytes at most`);
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString("utf8"));
  } catch {
    throw new BadInput("the body is no JSON");
  }
}

function fail(error: unknown, response: ServerResponse): void {
  if (error instanceof BadInput) {
    send(response, 400, { error: error.message });
    return;
  }
  log("error", "a request failed", { error: String(error) });
  send(response, 503, { error: "try again later" });
}

function send(response: ServerResponse, status: number, body: unknown): void {
  if (response.headersSent) return;
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}
