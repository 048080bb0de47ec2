"""A worker beside the web server, for a shop on a single machine: started with it, started again, ended with it."""

import logging
import subprocess
import sys
import threading

AGAIN_SECONDS = 2.0
# Longer than a worker takes to stop a job.
STOP_SECONDS = 12.0

log = logging.getLogger(__name__)


class WorkerBeside:
    """Runs `vitrine worker` as a process of its own."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._watch, daemon=True, name="worker-beside")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End it; what it was at is taken up by the next one."""
        self._stopping.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _watch(self) -> None:
        while not self._stopping.is_set():
            # The bound port and the like are none of its business.
            self._process = subprocess.Popen([sys.executable, "-m", "server.cli", "worker"], close_fds=True)
            if self._stopping.is_set():
                self._process.terminate()
            status = self._process.wait()
            if self._stopping.wait(AGAIN_SECONDS):
                break
            log.warning("The worker ended with status %s; another one is started.", status)
