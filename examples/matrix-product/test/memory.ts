import type { Product } from "../src/products.js";
import type { Store } from "../src/store.js";

/** Return a store for tests that need no Redis; `answers` says whether it is there. */
export function openMemoryStore(answers = { yes: true }): Store {
  const products = new Map<string, Product>();
  return {
    ready: async () => answers.yes,
    all: async () => [...products.values()],
    find: async (sku) => products.get(sku),
    put: async (product) => void products.set(product.sku, product),
    async reserve(sku, quantity) {
      if (!answers.yes) throw new Error("gone");
      const found = products.get(sku);
      if (found === undefined) return "unknown";
      if (found.stock < quantity) return "sold-out";
      products.set(sku, { ...found, stock: found.stock - quantity });
      return { left: found.stock - quantity };
    },
    close: async () => undefined,
  };
}
