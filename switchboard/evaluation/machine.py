"""Facts about the machine and the commit that a figure was measured on."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

GIT_HASH = ("git", "rev-parse", "--short", "HEAD")
GIT_STATUS = ("git", "status", "--porcelain")
GIT_S_MAX = 5.0


def facts() -> dict[str, str | int | float]:
    """Processor, cores, memory in GiB, versions, commit, moment (UTC)."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count() or 0,
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
        "commit": commit(),
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def commit() -> str:
    """Short hash of the checkout in the current folder, with `+changes` where files differ; empty outside one."""
    try:
        changed = subprocess.run(GIT_STATUS, capture_output=True, text=True, timeout=GIT_S_MAX, check=True).stdout
        found = subprocess.run(GIT_HASH, capture_output=True, text=True, timeout=GIT_S_MAX, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
    return f"{found}+changes" if changed.strip() else found
