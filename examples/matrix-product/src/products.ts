/** Something that is on sale. */
export interface Product {
  readonly sku: string;
  readonly name: string;
  readonly priceCents: number;
  readonly stock: number;
}

/** What a client sent is not what it must be; the message says why. */
export class BadInput extends Error {}

const SKU = /^[a-z0-9][a-z0-9-]{0,39}$/;
const LONGEST_NAME = 200;

/** Return the product that a request describes. */
export function parseProduct(sku: string, body: unknown): Product {
  if (!SKU.test(sku)) {
    throw new BadInput("a sku has lower-case letters, digits and hyphens, 40 at most");
  }
  const { name, priceCents, stock } = fields(body);
  if (typeof name !== "string" || name.trim() === "" || name.length > LONGEST_NAME) {
    throw new BadInput(`name is a text of 1 to ${LONGEST_NAME} characters`);
  }
  return {
    sku,
    name: name.trim(),
    priceCents: wholeNumber("priceCents", priceCents, 0),
    stock: wholeNumber("stock", stock, 0),
  };
}

/** Return how many a request wants to have reserved. */
export function parseQuantity(body: unknown): number {
  return wholeNumber("quantity", fields(body)["quantity"], 1);
}

function fields(body: unknown): Record<string, unknown> {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new BadInput("the body is a JSON object");
  }
  return body as Record<string, unknown>;
}

function wholeNumber(name: string, value: unknown, least: number): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < least) {
    throw new BadInput(`${name} is a whole number, ${least} at least`);
  }
  return value;
}
