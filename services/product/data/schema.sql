-- The product specialist's own database. Prices are pence.
CREATE TABLE IF NOT EXISTS seeded (marker TEXT NOT NULL);

CREATE TABLE IF NOT EXISTS products (
  id TEXT PRIMARY KEY,
  position INTEGER NOT NULL,
  name TEXT NOT NULL UNIQUE,
  category TEXT NOT NULL,
  brand TEXT NOT NULL,
  price_pence INTEGER NOT NULL CHECK (price_pence >= 0),
  monthly INTEGER NOT NULL,
  summary TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS sold_by (
  tenant TEXT NOT NULL,
  product_id TEXT NOT NULL REFERENCES products (id),
  PRIMARY KEY (tenant, product_id)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS specifications (
  product_id TEXT NOT NULL REFERENCES products (id),
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL, -- JSON: text, number or true/false
  unit TEXT NOT NULL,
  better TEXT NOT NULL CHECK (better IN ('more', 'less', '')),
  PRIMARY KEY (product_id, position)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS plans (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('mobile', 'broadband')),
  name TEXT NOT NULL,
  price_pence INTEGER NOT NULL,
  contract_months INTEGER NOT NULL,
  data_gb INTEGER, -- NULL: unlimited
  europe_roaming_included INTEGER NOT NULL,
  network TEXT NOT NULL,
  download_mbps INTEGER NOT NULL,
  upload_mbps INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS lines (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  number TEXT NOT NULL,
  plan_id TEXT NOT NULL REFERENCES plans (id),
  data_gb_mean REAL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS lines_of_customer ON lines (tenant, customer_id);
