import { createClient } from "@redis/client";

import { log } from "./log.js";
import type { Product } from "./products.js";

/** How a reservation ended: what is left, or why there is none. */
export type Reserved = { readonly left: number } | "unknown" | "sold-out";

/** Where products are kept. */
export interface Store {
  /** Whether it answers now. */
  ready(): Promise<boolean>;
  all(): Promise<Product[]>;
  find(sku: string): Promise<Product | undefined>;
  put(product: Product): Promise<void>;
  /** Take from the stock, whole or not at all. */
  reserve(sku: string, quantity: number): Promise<Reserved>;
  close(): Promise<void>;
}

const SKUS = "catalog:skus";
const UNKNOWN = -1;
const SOLD_OUT = -2;
// One step for Redis, so that two clients never take the same piece.
const RESERVE = `
local stock = redis.call("HGET", KEYS[1], "stock")
if not stock then return ${UNKNOWN} end
if tonumber(stock) < tonumber(ARGV[1]) then return ${SOLD_OUT} end
return redis.call("HINCRBY", KEYS[1], "stock", -ARGV[1])`;
const RECONNECT_MS = 200;
const ANSWER_MS = 2000;

/** Return a store in Redis. It connects by itself, and again whenever the connection is lost. */
export function openRedisStore(url: string): Store {
  const client = createClient({
    url,
    // While there is no connection a request fails at once, and is not kept for later.
    disableOfflineQueue: true,
    socket: { reconnectStrategy: RECONNECT_MS, connectTimeout: ANSWER_MS },
  });
  let told = "";
  client.on("error", (error: Error) => {
    if (error.message !== told) log("error", "redis", { error: error.message });
    told = error.message;
  });
  client.on("ready", () => {
    told = "";
    log("info", "redis is there");
  });
  client.connect().catch(() => undefined); // told above, and tried again

  const read = async (sku: string): Promise<Product | undefined> => {
    const { name, priceCents, stock } = await client.hGetAll(key(sku));
    if (name === undefined) return undefined;
    return { sku, name, priceCents: Number(priceCents), stock: Number(stock) };
  };

  return {
    async ready() {
      try {
        return (await within(client.ping(), ANSWER_MS)) === "PONG";
      } catch {
        return false;
      }
    },
    async all() {
      const skus = (await client.sMembers(SKUS)).sort();
      const found = await Promise.all(skus.map(read));
      return found.filter((product): product is Product => product !== undefined);
    },
    find: read,
    async put({ sku, name, priceCents, stock }) {
      await client
        .multi()
        .hSet(key(sku), { name, priceCents, stock })
        .sAdd(SKUS, sku)
        .exec();
    },
    async reserve(sku, quantity) {
      const options = { keys: [key(sku)], arguments: [String(quantity)] };
      const left = Number(await client.eval(RESERVE, options));
      if (left === UNKNOWN) return "unknown";
      return left === SOLD_OUT ? "sold-out" : { left };
    },
    async close() {
      if (client.isReady) await client.quit();
      else await client.disconnect().catch(() => undefined);
    },
  };
}

function key(sku: string): string {
  return `catalog:product:${sku}`;
}

async function within<Value>(work: Promise<Value>, milliseconds: number): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("no answer")), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
