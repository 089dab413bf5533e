"""One process of a function, with all that belongs to it: its API, its output, its children."""

import contextlib
import os
import select
import signal
import subprocess
import threading

from .runtime_api import RuntimeApi

# What Lambda leaves a runtime with an internal extension; one without gets no time and no signal.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-shutdown
SHUTDOWN_SECONDS = 0.5


class Sandbox:
    def __init__(self, command: str, folder: str, environment: dict[str, str]) -> None:
        self.api = RuntimeApi()
        try:
            self._process = subprocess.Popen(
                [command],
                cwd=folder,
                env=environment | {"AWS_LAMBDA_RUNTIME_API": self.api.address},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
                start_new_session=True,  # a group to kill, and no signal from a terminal
            )
        except OSError:
            self.api.end()
            raise
        self.output = Output(self._process.stdout)
        threading.Thread(target=self._watch, name=f"watch-{self._process.pid}", daemon=True).start()

    def exit_reason(self) -> str:
        """In Lambda's words."""
        status = self._process.poll()
        if not status:
            return "Runtime exited without providing a reason"
        if status > 0:
            return f"Runtime exited with error: exit status {status}"
        return f"Runtime exited with error: signal: {(signal.strsignal(-status) or str(-status)).lower()}"

    def stop(self) -> None:
        """Ends the process, as Lambda does, and returns when it is gone."""
        if self.api.extended:
            self._process.terminate()
            self.api.await_end(SHUTDOWN_SECONDS)
        # Long after its end, its group's number could be somebody else's.
        if not self.api.ended:
            self._kill()
        self.api.await_end()

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # all gone: macOS says it by the second
            os.killpg(self._process.pid, signal.SIGKILL)

    def _watch(self) -> None:
        self._process.wait()
        self._kill()  # its children
        self.api.end()


class Output:
    """The last of what the process wrote."""

    LIMIT = 1 << 20

    def __init__(self, pipe) -> None:
        self._pipe = pipe
        self._tail = bytearray()
        self._written = 0
        self._taken = 0
        self._lock = threading.Lock()
        os.set_blocking(pipe.fileno(), False)
        threading.Thread(target=self._follow, name=f"output-{pipe.fileno()}", daemon=True).start()

    def all(self) -> str:
        with self._lock:
            return self._tail.decode(errors="replace")

    def take(self) -> str:
        """What was written since the last call, up to now: an answer can overtake the thread that follows."""
        with self._lock:
            self._read()
            new = min(self._written - self._taken, len(self._tail))
            self._taken = self._written
            return self._tail[len(self._tail) - new :].decode(errors="replace")

    def _follow(self) -> None:
        poll = select.poll()
        poll.register(self._pipe, select.POLLIN)
        while poll.poll():
            with self._lock:
                if not self._read():
                    self._pipe.close()
                    return

    def _read(self) -> bool:
        """Reads once, which empties the pipe; false at its end."""
        if self._pipe.closed:
            return False
        data = self._pipe.read(self.LIMIT)
        if data is None:
            return True
        self._written += len(data)
        self._tail += data
        del self._tail[: -self.LIMIT]
        return data != b""
