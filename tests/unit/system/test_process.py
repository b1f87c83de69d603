import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

from switchboard.system.process import Child, Spawner, stop


def a_child(tmp_path: Path, code: str) -> Child:
    return Child("child", [sys.executable, "-c", code], dict(os.environ), tmp_path, tmp_path / "child.log", {})


def test_a_child_that_ignores_the_request_to_end_is_killed(tmp_path: Path) -> None:
    spawner = Spawner()
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    child = a_child(tmp_path, code)
    child.start(spawner)
    while "up" not in child.tail():
        time.sleep(0.02)
    stop([child], grace_s=0.2)
    assert child.exit_code == -signal.SIGKILL
    spawner.close()


def test_the_end_of_a_childs_log_is_kept(tmp_path: Path) -> None:
    spawner = Spawner()
    child = a_child(tmp_path, "print(*range(100), sep='\\n'); raise SystemExit(3)")
    child.start(spawner)
    assert child.wait(time.monotonic() + 10)
    assert child.exit_code == 3
    assert child.tail(2) == "98\n99"
    spawner.close()


def test_what_a_child_writes_is_its_owners_alone(tmp_path: Path) -> None:
    spawner = Spawner()
    child = a_child(tmp_path, "open('words', 'w').write('a customer said'); import os; os.mkdir('more')")
    child.start(spawner)
    assert child.wait(time.monotonic() + 10) and child.exit_code == 0
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()}
    assert modes == {"words": 0o600, "more": 0o700, "child.log": 0o600}
    spawner.close()


def test_children_die_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    code = f"""
import os, time
from pathlib import Path
from switchboard.system.process import Child, Spawner
folder = Path({str(tmp_path)!r})
child = Child("child", ["sleep", "60"], dict(os.environ), folder, folder / "child.log", {{}})
child.start(Spawner())
print(child.pid, flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
