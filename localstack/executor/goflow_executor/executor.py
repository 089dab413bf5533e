"""LocalStack's runtime executor: an execution environment whose function is a process of this machine."""

import json
import os
import shutil
import tempfile
import threading
import time

from localstack import config
from localstack.services.lambda_.invocation.executor_endpoint import StatusErrorException
from localstack.services.lambda_.invocation.lambda_models import FunctionVersion, InvocationResult
from localstack.services.lambda_.invocation.runtime_executor import LambdaRuntimeException, RuntimeExecutor

from .runtime_api import Invocation
from .sandbox import Sandbox

# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-ib
INIT_SECONDS = 10


class ProcessExecutor(RuntimeExecutor):
    def __init__(self, id: str, function_version: FunctionVersion) -> None:
        super().__init__(id, function_version)
        self._lock = threading.Lock()
        self._sandbox: Sandbox | None = None
        self._stopped = False
        self._temporary = tempfile.mkdtemp(prefix="function-")

    def start(self, env_vars: dict[str, str]) -> None:
        self._folder = str(self.function_version.config.code.get_unzipped_code_location())
        # Nothing of LocalStack's own environment, which is the developer's: a function has no such thing on AWS either.
        self._environment = {
            "PATH": os.defpath,
            "LANG": "en_US.UTF-8",
            "TMPDIR": self._temporary,
            **{name: str(value) for name, value in env_vars.items()},
            "LAMBDA_TASK_ROOT": self._folder,
        }
        self._launch(self.id)

    def _launch(self, request_id: str) -> Sandbox:
        with self._lock:
            if self._stopped:
                raise LambdaRuntimeException(f"environment {self.id} has been stopped")
            if self._sandbox:
                self._sandbox.stop()
            try:
                self._sandbox = sandbox = Sandbox(f"{self._folder}/bootstrap", self._folder, self._environment)
            except OSError as e:
                raise _failure("Runtime.InvalidEntrypoint", request_id, f"bootstrap can't be run: {e}") from e
        if sandbox.api.await_next(INIT_SECONDS):
            return sandbox
        ended = sandbox.api.ended
        sandbox.stop()
        if sandbox.api.init_error is not None:
            raise StatusErrorException("the function reported an error of its init", payload=sandbox.api.init_error)
        if ended:
            raise _failure("Runtime.ExitError", request_id, sandbox.exit_reason())
        raise _failure("Sandbox.Timedout", request_id, f"Task timed out after {INIT_SECONDS:.2f} seconds")

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        invocation = Invocation(
            payload["invoke-id"], payload["invoked-function-arn"], payload["trace-id"], payload["payload"].encode()
        )
        started = time.monotonic()
        try:
            answer, is_error = self._run(invocation)
        except StatusErrorException as e:
            answer, is_error = e.payload, True
        logs = self._report(invocation.id, time.monotonic() - started)
        return InvocationResult(invocation.id, answer, is_error, logs)

    def _run(self, invocation: Invocation) -> tuple[bytes, bool]:
        sandbox = self._sandbox
        # It may have ended after its last answer, or have been ended: then this invocation gets a fresh one.
        if not sandbox or not sandbox.api.await_next(INIT_SECONDS):
            sandbox = self._launch(invocation.id)
        seconds = self.function_version.config.timeout
        answer = sandbox.api.run(invocation, seconds)
        if answer:
            return answer.payload, answer.is_error
        ended = sandbox.api.ended
        sandbox.stop()
        if ended:
            raise _failure("Runtime.ExitError", invocation.id, sandbox.exit_reason())
        raise _failure("Sandbox.Timedout", invocation.id, f"Task timed out after {seconds:.2f} seconds")

    def _report(self, request_id: str, seconds: float) -> str:
        """The output of an invocation as Lambda logs it."""
        output = self._sandbox.output.take() if self._sandbox else ""
        if output and not output.endswith("\n"):
            output += "\n"
        version, memory = self.function_version.id.qualifier, self.function_version.config.memory_size
        return (
            f"START RequestId: {request_id} Version: {version}\n{output}END RequestId: {request_id}\n"
            f"REPORT RequestId: {request_id}\tDuration: {seconds * 1000:.2f} ms\tMemory Size: {memory} MB"
        )

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
        if self._sandbox:
            self._sandbox.stop()
        shutil.rmtree(self._temporary, ignore_errors=True)

    def get_logs(self) -> str:
        return self._sandbox.output.all() if self._sandbox else ""

    def get_address(self) -> str:
        return "127.0.0.1"

    def get_endpoint_from_executor(self) -> str:
        # Not the host of GATEWAY_LISTEN, which can be an IPv6 address and makes no URL then.
        return "127.0.0.1"

    def get_runtime_endpoint(self) -> str:
        # Only LocalStack's own init, which runs in its containers, calls back.
        return f"http://127.0.0.1:{config.GATEWAY_LISTEN[0].port}"

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        function_version.config.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        """LocalStack deletes the code itself, when its last version goes."""


def _failure(error_type: str, request_id: str, message: str) -> StatusErrorException:
    payload = {"errorType": error_type, "errorMessage": f"RequestId: {request_id} Error: {message}"}
    return StatusErrorException(message, payload=json.dumps(payload).encode())
