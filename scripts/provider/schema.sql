-- A payment, from the provider's side. Amounts in minor units; no money moves that isn't there.
CREATE TABLE IF NOT EXISTS charge (
    number     INTEGER PRIMARY KEY,
    reference  TEXT    NOT NULL UNIQUE,
    order_id   TEXT    NOT NULL,
    payment    INTEGER NOT NULL,
    type       TEXT    NOT NULL,
    currency   TEXT    NOT NULL,
    authorised INTEGER NOT NULL DEFAULT 0,
    captured   INTEGER NOT NULL DEFAULT 0,
    settled    INTEGER NOT NULL DEFAULT 0,
    voided     INTEGER NOT NULL DEFAULT 0,
    refunded   INTEGER NOT NULL DEFAULT 0,
    CHECK (captured + voided <= authorised),
    CHECK (refunded <= captured + settled)
);
CREATE INDEX IF NOT EXISTS charge_order ON charge (order_id);

-- Each time that money was taken or paid back, for the settlement report. Times are UTC, as text.
CREATE TABLE IF NOT EXISTS movement (
    number    INTEGER PRIMARY KEY,
    time      TEXT    NOT NULL,
    reference TEXT    NOT NULL,
    kind      TEXT    NOT NULL,
    amount    INTEGER NOT NULL
);
-- Charges of before there were movements: each as one.
INSERT INTO movement (time, reference, kind, amount)
SELECT strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'), reference, kind, amount FROM (
    SELECT number, reference, 'captured' AS kind, captured + settled AS amount FROM charge
    UNION ALL SELECT number, reference, 'refunded', refunded FROM charge
) WHERE amount > 0 AND NOT EXISTS (SELECT 1 FROM movement) ORDER BY number, kind;

-- Payments whose captures fail: they were paid with tok_capture_fails.
CREATE TABLE IF NOT EXISTS closed (reference TEXT PRIMARY KEY) WITHOUT ROWID;

-- What has been asked under which idempotency key, and the answer: done, declined or pending.
-- A pending one is paid at `due` (seconds since 1970), or only when somebody pays it.
CREATE TABLE IF NOT EXISTS asked (
    key      TEXT PRIMARY KEY,
    request  BLOB NOT NULL,
    order_id TEXT NOT NULL,
    outcome  TEXT NOT NULL,
    answer   TEXT NOT NULL,
    due      REAL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS asked_pending ON asked (order_id) WHERE outcome = 'pending';

CREATE TABLE IF NOT EXISTS control (only INTEGER PRIMARY KEY CHECK (only = 1), body BLOB NOT NULL);
