CREATE TABLE orders (
    id          uuid PRIMARY KEY,
    customer    text NOT NULL CHECK (length(customer) BETWEEN 1 AND 200),
    lines       jsonb NOT NULL,
    total_cents bigint NOT NULL CHECK (total_cents >= 0),
    created_at  timestamptz NOT NULL DEFAULT now()
);
