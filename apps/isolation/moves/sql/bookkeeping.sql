-- What a move keeps in the databases it works in. Run by the owner before each move; idempotent.
-- The control plane's Move row says which step is done; these tables say how far the step is,
-- because that must commit together with the rows it speaks of.
CREATE SCHEMA IF NOT EXISTS tenlyr_moves;
GRANT USAGE ON SCHEMA tenlyr_moves TO tenlyr_fleet;

-- arrival: one move into this database. Only the runner whose number is here may write.
CREATE TABLE IF NOT EXISTS tenlyr_moves.arrival (
    move_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    runner bigint NOT NULL,
    parked jsonb NOT NULL DEFAULT '[]',
    created_at timestamptz NOT NULL DEFAULT now()
);

-- progress: the copy's cursor in one table or partition (unit) of the source.
CREATE TABLE IF NOT EXISTS tenlyr_moves.progress (
    move_id uuid NOT NULL REFERENCES tenlyr_moves.arrival ON DELETE CASCADE,
    unit text NOT NULL,
    last_key jsonb NOT NULL DEFAULT '[]',
    rows bigint NOT NULL DEFAULT 0,
    is_done boolean NOT NULL DEFAULT false,
    PRIMARY KEY (move_id, unit)
);
GRANT SELECT, UPDATE ON tenlyr_moves.arrival TO tenlyr_fleet;
GRANT SELECT, INSERT, UPDATE, DELETE ON tenlyr_moves.progress TO tenlyr_fleet;

-- gate: whether writers may still write here, where the control plane's placement cannot be asked.
CREATE TABLE IF NOT EXISTS tenlyr_moves.gate (
    move_id uuid PRIMARY KEY,
    has_left boolean NOT NULL DEFAULT false
);
