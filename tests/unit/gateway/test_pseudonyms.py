"""The ledger names nobody: who it cost money for stands in it by a pseudonym."""

import hashlib
import stat
from pathlib import Path

from services.gateway.money.budgets import BudgetsPolicy
from services.gateway.money.ledger.pseudonyms import FILE, Pseudonyms
from services.gateway.money.ledger.recorder import Recorder
from services.gateway.money.ledger.spool import Spool
from switchboard.ledger.record import Record


def opened(folder: Path) -> Pseudonyms:
    made = Pseudonyms(folder)
    made.open()
    return made


def test_a_user_has_one_pseudonym_of_their_own(tmp_path: Path) -> None:
    known = opened(tmp_path)
    ada = known.of("aurora", "C-10001")
    assert ada == known.of("aurora", "C-10001") == opened(tmp_path).of("aurora", "C-10001")
    assert (
        len({ada, known.of("aurora", "C-10002"), known.of("borealis", "C-10001"), known.of("auroraC", "-10001")}) == 4
    )
    assert (known.of("aurora", ""), known.of("aurora", "anonymous")) == ("", "anonymous")


def test_without_the_secret_trying_ids_finds_nobody(tmp_path: Path) -> None:
    ada = opened(tmp_path).of("aurora", "C-10001")
    assert ada.removeprefix("u-") not in hashlib.sha256(b"6:auroraC-10001").hexdigest()
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    (tmp_path / FILE).unlink()
    assert opened(tmp_path).of("aurora", "C-10001") != ada


def test_a_disk_that_does_not_take_the_secret_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert opened(tmp_path / "file").of("aurora", "C-10001").startswith("u-")


def bytes_in(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


async def test_no_users_id_reaches_the_disk(tmp_path: Path) -> None:
    recorder = Recorder(None, Spool(tmp_path / "spool"), BudgetsPolicy, Pseudonyms(tmp_path))
    await recorder.open()
    recorder.record(
        Record(
            id="r.1", at=1.0, request_id="r", attempt=1, tenant="aurora", user="C-10001", alias="fast", deployment="d",
            outcome="ok",
        )
    )  # fmt: skip
    await recorder.close()
    written = bytes_in(tmp_path)
    assert any(b"aurora" in each for each in written)
    assert not any(b"C-10001" in each for each in written)
