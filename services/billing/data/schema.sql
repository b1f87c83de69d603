-- The billing specialist's own database. Amounts are pence, days are ISO dates.
CREATE TABLE IF NOT EXISTS seeded (marker TEXT NOT NULL);

CREATE TABLE IF NOT EXISTS accounts (
  tenant TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  payment_method TEXT NOT NULL CHECK (payment_method IN ('direct_debit', 'card')),
  PRIMARY KEY (tenant, customer_id)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS invoices (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  month TEXT NOT NULL,
  issued_on TEXT NOT NULL,
  due_on TEXT NOT NULL,
  period_start TEXT NOT NULL,
  period_end TEXT NOT NULL,
  total_pence INTEGER NOT NULL,
  UNIQUE (tenant, customer_id, month)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS charges (
  invoice_id TEXT NOT NULL REFERENCES invoices (id),
  position INTEGER NOT NULL,
  kind TEXT NOT NULL,
  label TEXT NOT NULL,
  amount_pence INTEGER NOT NULL,
  detail TEXT NOT NULL,
  line_id TEXT,
  PRIMARY KEY (invoice_id, position)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS payments (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  invoice_id TEXT NOT NULL REFERENCES invoices (id),
  paid_on TEXT NOT NULL,
  amount_pence INTEGER NOT NULL CHECK (amount_pence > 0),
  method TEXT NOT NULL,
  settled INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS payments_of_account ON payments (tenant, customer_id, paid_on);

CREATE TABLE IF NOT EXISTS refunds (
  number INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  payment_id TEXT NOT NULL REFERENCES payments (id),
  amount_pence INTEGER NOT NULL CHECK (amount_pence > 0),
  status TEXT NOT NULL CHECK (status IN ('paid', 'accepted', 'pending_approval', 'refused')),
  reason TEXT NOT NULL,
  requested_on TEXT NOT NULL,
  request_key TEXT UNIQUE
);
CREATE INDEX IF NOT EXISTS refunds_of_account ON refunds (tenant, customer_id);
