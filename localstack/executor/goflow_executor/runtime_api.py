"""The Runtime API that Lambda offers a function's process, as far as a custom runtime and an internal extension use it.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
"""

import socketserver
import threading
import time
import uuid
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler

RUNTIME = "/2018-06-01/runtime"
EXTENSION = "/2020-01-01/extension"


@dataclass
class Invocation:
    id: str
    arn: str
    trace: str
    payload: bytes
    deadline: float = 0.0  # by the wall clock, which the process shares
    taken: bool = False


@dataclass
class Answer:
    payload: bytes
    is_error: bool


class RuntimeApi:
    """Serves one process, one invocation at a time. The next process gets an API of its own, so that whatever the dead
    one has left open can't take anything."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._polls = 0  # that wait in `next`
        self._invocation: Invocation | None = None
        self._answer: Answer | None = None
        self.init_error: bytes | None = None
        self.extended = False  # an extension has registered
        self.ended = False  # the process has
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, name=f"runtime-api-{self.address}", daemon=True).start()

    def await_next(self, seconds: float) -> bool:
        """Whether the process asks for an invocation within the time."""
        with self._changed:
            self._changed.wait_for(lambda: self._polls or self.init_error is not None or self.ended, seconds)
            return bool(self._polls) and self.init_error is None and not self.ended

    def run(self, invocation: Invocation, seconds: float) -> Answer | None:
        """Hands the invocation over and returns the answer: none if the process ended or the time was over first."""
        with self._changed:
            invocation.deadline = time.time() + seconds
            self._invocation, self._answer = invocation, None
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._answer or self.ended, seconds)
            return self._answer

    def await_end(self, seconds: float | None = None) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self.ended, seconds)

    def end(self) -> None:
        """Ends every open request. Not before the process ended: the Go runtime dies of a lost `next`."""
        with self._changed:
            self.ended = True
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()

    def take(self) -> Invocation | None:
        """The next invocation, as soon as there is one; none when the process has ended."""
        with self._changed:
            self._polls += 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.ended or (self._invocation and not self._invocation.taken))
            self._polls -= 1
            if self.ended or self._invocation is None:
                return None
            self._invocation.taken = True
            return self._invocation

    def answer(self, invocation_id: str, answer: Answer) -> bool:
        """False if it comes too late, or twice."""
        with self._changed:
            current = self._invocation
            if self._answer or current is None or not current.taken or current.id != invocation_id:
                return False
            self._answer = answer
            self._changed.notify_all()
            return True

    def fail_init(self, payload: bytes) -> None:
        with self._changed:
            self.init_error = payload
            self._changed.notify_all()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def handle_error(self, request, client_address) -> None:
        """Clients that go away are killed processes, which is nothing to report."""


def _handler(api: RuntimeApi) -> type[BaseHTTPRequestHandler]:
    return type("Handler", (_Handler,), {"api": api})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # one segment for header and body
    api: RuntimeApi

    def do_GET(self) -> None:  # noqa: N802
        if self.path == f"{RUNTIME}/invocation/next":
            self._next()
        elif self.path == f"{EXTENSION}/event/next":
            # The only event for those who asked for none is the end, and an internal extension isn't told of that.
            self.api.await_end()
            self.close_connection = True
        else:
            self._reply(404)

    def do_POST(self) -> None:  # noqa: N802
        body = self._body()
        match self.path.removeprefix(RUNTIME).split("/"):
            case ["", "invocation", invocation_id, "response" | "error" as kind]:
                self._reply(202 if self.api.answer(invocation_id, Answer(body, kind == "error")) else 400)
            case ["", "init", "error"]:
                self.api.fail_init(body)
                self._reply(202)
            case _ if self.path == f"{EXTENSION}/register":
                self.api.extended = True
                self._reply(200, {"Lambda-Extension-Identifier": str(uuid.uuid4())})
            case _:
                self._reply(404)

    def _next(self) -> None:
        invocation = self.api.take()
        if invocation is None:
            self.close_connection = True
            return
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.id,
            "Lambda-Runtime-Deadline-Ms": str(int(invocation.deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": invocation.arn,
            "Lambda-Runtime-Trace-Id": invocation.trace,
        }
        self._reply(200, headers, invocation.payload)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = bytearray()
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():  # trailers, which the Go runtime announces, and the line that ends them
            pass
        return bytes(body)

    def _reply(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"{}") -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args) -> None:
        pass
