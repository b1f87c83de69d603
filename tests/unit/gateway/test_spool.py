from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from services.gateway.money.ledger.spool import Spool

LINES = 5_000


def test_no_record_is_lost_while_another_thread_takes_the_file(tmp_path: Path):
    spool = Spool(tmp_path)
    taken: list[bytes] = []

    def take() -> None:
        for path, lines in spool.take():
            taken.extend(lines)
            spool.done(path)

    with ThreadPoolExecutor(1) as thread:
        taking = thread.submit(take)
        for number in range(LINES):
            spool.add(str(number).encode())
            if taking.done():
                taking.result()
                taking = thread.submit(take)
        taking.result()
    take()
    assert sorted(taken, key=int) == [str(number).encode() for number in range(LINES)]
