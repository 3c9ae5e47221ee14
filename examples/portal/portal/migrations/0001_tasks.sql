CREATE TABLE tasks (
    id uuid PRIMARY KEY,
    text text NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done', 'failed')),
    attempts integer NOT NULL DEFAULT 0,
    result jsonb,
    error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    due_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX tasks_due ON tasks (due_at) WHERE state = 'waiting';
CREATE INDEX tasks_newest ON tasks (created_at DESC, id);
