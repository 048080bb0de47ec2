"""Settings of the embedded Postgres, by the machine's memory and cores."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

MB = 1024 * 1024
# Where parallel index builds keep their memory; containers often give it 64 MB.
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  (only its size is read)


def memory_bytes() -> int:
    """Memory of this machine, or of the container if that is less."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.exists():
        text = limit.read_text().strip()
        if text.isdigit():
            total = min(total, int(text))
    return total


def configuration(socket_dir: Path, more: Mapping[str, str] | None = None) -> str:
    """Text of vitrine.conf, which postgresql.conf includes last. more: settings that take the place of these."""
    memory, cores = memory_bytes() // MB, os.cpu_count() or 1
    maintenance = _clamp(memory // 8, 64, 2048)
    if SHARED_MEMORY.is_dir():
        # A parallel HNSW build fails, not slows, when its shared memory does not fit.
        maintenance = min(maintenance, max(32, shutil.disk_usage(SHARED_MEMORY).free // MB // 2))
    lines = {
        "listen_addresses": "''",
        # A list of names: one with a comma or a space stands in double quotes, all of it in single ones.
        "unix_socket_directories": "'\"" + str(socket_dir).replace("'", "''") + "\"'",
        "unix_socket_permissions": "0700",
        "max_connections": "100",
        "shared_buffers": f"{_clamp(memory // 4, 128, 4096)}MB",
        "effective_cache_size": f"{_clamp(memory // 2, 256, 65536)}MB",
        "maintenance_work_mem": f"{maintenance}MB",
        "work_mem": f"{_clamp(memory // 256, 8, 64)}MB",
        "max_parallel_workers": str(cores),
        "max_parallel_workers_per_gather": str(_clamp(cores // 2, 1, 4)),
        "max_parallel_maintenance_workers": str(_clamp(cores, 1, 8)),
        "random_page_cost": "1.1",  # solid-state disks and a cache that holds the vectors
        "max_wal_size": "4GB",
        "jit": "off",  # compiling costs more than any query of a shop takes
        "log_min_duration_statement": "1000",
        "log_line_prefix": "'%m [%p] '",
        "timezone": "'UTC'",
        "log_timezone": "'UTC'",
    }
    head = "# Written by Vitrine at every start; put your own settings into postgresql.auto.conf (ALTER SYSTEM).\n"
    return head + "".join(f"{name} = {value}\n" for name, value in {**lines, **(more or {})}.items())


def _clamp(value: int, low: int, high: int) -> int:
    return max(low, min(high, value))
