"""Which operating-system account runs the embedded Postgres. The server refuses to run as root.

For anyone but root it is that person's own account. Root gets the account `vitrine-postgres`, made on first use;
its home is the cluster and it has no shell. Folders above the cluster and the binaries that it could not even
pass through (such as a `/root` of mode 0700) get the execute bit for others: pass through, not list.
"""

import logging
import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from server.errors import DatabaseUnavailable

log = logging.getLogger(__name__)

ACCOUNT = "vitrine-postgres"


@dataclass(frozen=True)
class SystemUser:
    """An account and whether this process has to change to it."""

    name: str
    uid: int
    gid: int
    is_other: bool

    def own(self, path: Path) -> None:
        """Give `path` to this account, where it is not the caller's own."""
        if self.is_other:
            os.chown(path, self.uid, self.gid)

    def popen_options(self) -> dict[str, Any]:
        """Arguments for subprocess that make a child run as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.is_other else {}


def current_name() -> str:
    """Name of the account of this process, or its number where it has none (as in some containers)."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


@cache
def for_postgres(data_dir: Path, binaries: Path) -> SystemUser:
    """The account for a cluster in `data_dir` and programs in `binaries`, made able to reach both."""
    if os.geteuid() != 0:
        return SystemUser(current_name(), os.geteuid(), os.getegid(), is_other=False)
    account = _account()
    for path in (data_dir, binaries):
        _let_pass(path)
    return SystemUser(ACCOUNT, account.pw_uid, account.pw_gid, is_other=True)


def _account() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        pass
    useradd = shutil.which("useradd") or "/usr/sbin/useradd"
    command = [
        useradd,
        "--system",
        "--no-create-home",
        "--shell",
        "/usr/sbin/nologin",
        "--user-group",
        ACCOUNT,
    ]
    try:
        subprocess.run(command, check=True, capture_output=True)
        return pwd.getpwnam(ACCOUNT)
    except (OSError, subprocess.CalledProcessError, KeyError) as exc:
        raise DatabaseUnavailable(
            f"Postgres does not run as root and the account {ACCOUNT} could not be made. Run Vitrine as another user, "
            "or set DATABASE_URL."
        ) from exc


def _let_pass(path: Path) -> None:
    for folder in (path, *path.parents):
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            log.info("Letting other accounts pass through %s, so that Postgres can reach its files.", folder)
            folder.chmod(mode | stat.S_IXOTH)


def remove_tree(path: Path) -> None:
    """Remove what an interrupted initdb left behind."""
    if path.exists():
        shutil.rmtree(path)
