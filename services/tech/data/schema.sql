-- What the tech specialist knows: who has which line and device, what the last line test said, and the tickets.
CREATE TABLE IF NOT EXISTS customers (
    id TEXT PRIMARY KEY, tenant TEXT NOT NULL, name TEXT NOT NULL, town TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS devices (
    id TEXT PRIMARY KEY, tenant TEXT NOT NULL, customer_id TEXT NOT NULL, line_id TEXT NOT NULL, line_kind TEXT NOT NULL,
    line_number TEXT NOT NULL, plan TEXT NOT NULL, name TEXT NOT NULL, serial TEXT NOT NULL, since TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS devices_by_customer ON devices (tenant, customer_id);
CREATE TABLE IF NOT EXISTS line_statuses (
    line_id TEXT PRIMARY KEY, tenant TEXT NOT NULL, customer_id TEXT NOT NULL, router TEXT NOT NULL,
    router_serial TEXT NOT NULL, firmware TEXT NOT NULL, led TEXT NOT NULL, online INTEGER NOT NULL,
    sync_down_mbps REAL NOT NULL, sync_up_mbps REAL NOT NULL, plan_down_mbps INTEGER NOT NULL,
    packet_loss_percent REAL NOT NULL, latency_ms REAL NOT NULL, reboots_24h INTEGER NOT NULL,
    last_outage_at TEXT, incident_id TEXT, tested_at TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS line_statuses_by_customer ON line_statuses (tenant, customer_id);
CREATE TABLE IF NOT EXISTS incidents (
    id TEXT PRIMARY KEY, tenant TEXT NOT NULL, town TEXT NOT NULL, description TEXT NOT NULL,
    started_at TEXT NOT NULL, expected_fix_at TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS tickets (
    number INTEGER PRIMARY KEY, tenant TEXT NOT NULL, customer_id TEXT NOT NULL, line_id TEXT,
    category TEXT NOT NULL, subject TEXT NOT NULL, status TEXT NOT NULL, opened_on TEXT NOT NULL,
    updated_on TEXT NOT NULL, note TEXT NOT NULL,
    request_key TEXT UNIQUE -- the tool call that opened it; the same call again gets the same ticket
) STRICT;
CREATE INDEX IF NOT EXISTS tickets_by_customer ON tickets (tenant, customer_id);
CREATE TABLE IF NOT EXISTS seeded (marker TEXT PRIMARY KEY) STRICT;
