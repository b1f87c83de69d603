"""The catalogue in the specialist's own SQLite database."""

import json
import sqlite3

from services.product.catalogue import LINES_MAX, PRODUCTS_MAX, Catalogue, LineUse, Plan, Product, Specification
from switchboard.agent.database import Database


class SqliteCatalogue(Catalogue):
    """Reads rows; the catalogue is small enough to be read whole for a question."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def products(self, tenant: str) -> list[Product]:
        def work(connection: sqlite3.Connection) -> list[Product]:
            specifications: dict[str, list[Specification]] = {}
            for row in connection.execute(
                "SELECT s.* FROM specifications s JOIN sold_by b ON b.product_id = s.product_id "
                "WHERE b.tenant = ? ORDER BY s.product_id, s.position",
                (tenant,),
            ):
                each = Specification(row["name"], json.loads(row["value"]), row["unit"], row["better"])
                specifications.setdefault(row["product_id"], []).append(each)
            rows = connection.execute(
                "SELECT p.* FROM products p JOIN sold_by b ON b.product_id = p.id "
                "WHERE b.tenant = ? ORDER BY p.position LIMIT ?",
                (tenant, PRODUCTS_MAX),
            )
            return [_product(row, specifications.get(row["id"], [])) for row in rows]

        return await self._database.run(work)

    async def plans(self, tenant: str) -> list[Plan]:
        return await self._database.run(
            lambda connection: [
                _plan(row)
                for row in connection.execute(
                    "SELECT * FROM plans WHERE tenant = ? ORDER BY price_pence, id", (tenant,)
                )
            ]
        )

    async def lines(self, tenant: str, customer_id: str) -> list[LineUse]:
        return await self._database.run(
            lambda connection: [
                LineUse(row["number"], row["kind"], row["name"], row["price_pence"], row["data_gb_mean"])
                for row in connection.execute(
                    "SELECT l.number, l.data_gb_mean, p.kind, p.name, p.price_pence FROM lines l "
                    "JOIN plans p ON p.id = l.plan_id WHERE l.tenant = ? AND l.customer_id = ? ORDER BY l.id LIMIT ?",
                    (tenant, customer_id, LINES_MAX),
                )
            ]
        )


def _product(row: sqlite3.Row, specifications: list[Specification]) -> Product:
    return Product(
        id=row["id"],
        name=row["name"],
        category=row["category"],
        brand=row["brand"],
        price_pence=row["price_pence"],
        monthly=bool(row["monthly"]),
        summary=row["summary"],
        specifications=tuple(specifications),
    )


def _plan(row: sqlite3.Row) -> Plan:
    return Plan(
        name=row["name"],
        kind=row["kind"],
        price_pence=row["price_pence"],
        contract_months=row["contract_months"],
        data_gb=row["data_gb"],
        europe_roaming_included=bool(row["europe_roaming_included"]),
        network=row["network"],
        download_mbps=row["download_mbps"],
        upload_mbps=row["upload_mbps"],
    )
