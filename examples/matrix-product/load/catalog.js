// Most clients look, some reserve. Thresholds are the script's own: a release that misses one fails.
import http from "k6/http";
import { check } from "k6";

const url = __ENV.TARGET;

export const options = {
  scenarios: {
    browse: { executor: "constant-vus", vus: 4, duration: "4s", exec: "browse" },
    reserve: { executor: "constant-vus", vus: 1, duration: "4s", exec: "reserve" },
  },
  thresholds: {
    http_req_failed: ["rate<0.01"],
    http_req_duration: ["p(95)<500"],
    checks: ["rate>0.99"],
  },
};

export function setup() {
  const tea = JSON.stringify({ name: "Tea", priceCents: 490, stock: 1000000 });
  for (const sku of ["tea", "coffee", "cocoa"]) http.put(`${url}/products/${sku}`, tea);
}

export function browse() {
  check(http.get(`${url}/products`), { "lists products": (answer) => answer.status === 200 });
  check(http.get(`${url}/products/tea`), { "shows one": (answer) => answer.status === 200 });
}

export function reserve() {
  const answer = http.post(`${url}/products/tea/reservations`, '{"quantity": 1}');
  check(answer, { "is reserved": (one) => one.status === 201 });
}
