"""Diagnostics from the specialist's own SQLite database: the demo company's last line tests."""

import sqlite3
from datetime import date, datetime

from services.tech.desk import Account
from services.tech.diagnostics import Diagnostics, LineTest, Outage, OwnedDevice
from services.tech.policy import LED_MEANINGS
from switchboard.agent.database import Database


class SqliteDiagnostics(Diagnostics):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def test_lines(self, account: Account) -> list[LineTest]:
        return [
            _line_test(row)
            for row in await self._rows(
                "SELECT * FROM line_statuses WHERE tenant = ? AND customer_id = ? ORDER BY line_id LIMIT 10",
                account.tenant, account.customer_id,
            )
        ]  # fmt: skip

    async def devices(self, account: Account) -> list[OwnedDevice]:
        return [
            OwnedDevice(
                row["name"], row["serial"], date.fromisoformat(row["since"]), row["line_kind"], row["line_number"], row["plan"]
            )
            for row in await self._rows(
                "SELECT * FROM devices WHERE tenant = ? AND customer_id = ? ORDER BY id LIMIT 50",
                account.tenant, account.customer_id,
            )
        ]  # fmt: skip

    async def town(self, account: Account) -> str | None:
        rows = await self._rows(
            "SELECT town FROM customers WHERE tenant = ? AND id = ?", account.tenant, account.customer_id
        )
        return rows[0]["town"] if rows else None

    async def outages(self, tenant: str, town: str) -> list[Outage]:
        return [
            Outage(
                row["id"], row["town"], row["description"],
                datetime.fromisoformat(row["started_at"]), datetime.fromisoformat(row["expected_fix_at"]),
            )
            for row in await self._rows(
                "SELECT * FROM incidents WHERE tenant = ? AND town = ? COLLATE NOCASE ORDER BY started_at DESC LIMIT 10",
                tenant, town,
            )
        ]  # fmt: skip

    async def towns(self, tenant: str) -> list[str]:
        rows = await self._rows("SELECT DISTINCT town FROM customers WHERE tenant = ? ORDER BY town LIMIT 200", tenant)
        return [row["town"] for row in rows]

    async def _rows(self, query: str, *values: str) -> list[sqlite3.Row]:
        return await self._database.run(lambda connection: connection.execute(query, values).fetchall())


def _line_test(row: sqlite3.Row) -> LineTest:
    return LineTest(
        line_id=row["line_id"],
        router=row["router"],
        firmware=row["firmware"],
        led=row["led"],
        led_meaning=LED_MEANINGS[row["led"]],
        online=bool(row["online"]),
        sync_down_mbps=row["sync_down_mbps"],
        sync_up_mbps=row["sync_up_mbps"],
        plan_down_mbps=row["plan_down_mbps"],
        packet_loss_percent=row["packet_loss_percent"],
        latency_ms=row["latency_ms"],
        reboots_24h=row["reboots_24h"],
        last_outage_at=datetime.fromisoformat(row["last_outage_at"]) if row["last_outage_at"] else None,
        incident_id=row["incident_id"],
        tested_at=datetime.fromisoformat(row["tested_at"]),
    )
