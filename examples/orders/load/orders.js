// Orders are made and read back, by a few customers at once.
import http from 'k6/http';
import { check } from 'k6';

export const options = {
  vus: 4,
  duration: '3s',
  thresholds: {
    checks: ['rate>0.99'],
    http_req_failed: ['rate<0.01'],
    http_req_duration: ['p(95)<1000'],
  },
};

const TEA = JSON.stringify({
  customer: 'Ada',
  lines: [{ sku: 'tea', quantity: 3, unit_price_cents: 450 }],
});

export default function () {
  const made = http.post(`${__ENV.TARGET}/orders`, TEA);
  check(made, { 'an order is made': (answer) => answer.status === 201 });
  const read = http.get(`${__ENV.TARGET}/orders/${made.json('id')}`, { tags: { name: '/orders/ID' } });
  check(read, { 'it is read back': (answer) => answer.json('total_cents') === 1350 });
}
