"""The executor without LocalStack around it."""

import json
import os
import subprocess
import tempfile
import threading
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace as Namespace

from goflow_executor import executor as module
from goflow_executor.executor import ProcessExecutor
from goflow_executor.sandbox import Output
from localstack.services.lambda_.invocation.executor_endpoint import StatusErrorException
from support import wait_for, write_function


def is_running(pid):
    """A zombie, which its new parent has not collected yet, is not."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout
    return state.strip()[:1] not in ("", "Z")


class ExecutorTest(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.marks_file = self.folder / "marks"
        write_function(self.folder)

    def make(self, timeout=5):
        code = Namespace(get_unzipped_code_location=lambda: self.folder)
        version = Namespace(
            id=Namespace(qualifier="$LATEST"), config=Namespace(timeout=timeout, memory_size=128, code=code)
        )
        executor = ProcessExecutor(f"environment-{id(version)}", version)
        self.addCleanup(executor.stop)
        return executor

    def start(self, timeout=5, **environment):
        executor = self.make(timeout)
        executor.start({"MARKS": str(self.marks_file), **environment})
        return executor

    def invoke(self, executor, **event):
        payload = {"invoke-id": "id-1", "invoked-function-arn": "arn:f", "trace-id": "Root=1"}
        result = executor.invoke(payload | {"payload": json.dumps(event)})
        return result, json.loads(result.payload)

    def pid(self, executor):
        result, answer = self.invoke(executor)
        self.assertFalse(result.is_error, answer)
        return answer["pid"]

    def marks(self):
        return self.marks_file.read_text().splitlines() if self.marks_file.exists() else []

    def test_process_answers_one_invocation_after_another(self):
        executor = self.start()
        result, answer = self.invoke(executor, echo="é")
        self.assertEqual((result.request_id, result.is_error, answer["echo"]), ("id-1", False, "é"))
        self.assertEqual(os.path.realpath(self.folder), answer["folder"])
        self.assertEqual(self.pid(executor), answer["pid"])

    def test_invocation_comes_with_its_headers(self):
        before = time.time()
        _, headers = self.invoke(self.start(timeout=7), do="headers")
        self.assertEqual("arn:f", headers["Lambda-Runtime-Invoked-Function-Arn"])
        self.assertEqual("Root=1", headers["Lambda-Runtime-Trace-Id"])
        self.assertAlmostEqual(before + 7, int(headers["Lambda-Runtime-Deadline-Ms"]) / 1000, delta=3)

    def test_environment_is_that_of_the_function_only(self):
        os.environ["AWS_PROFILE"] = os.environ["GOFLOW_SECRET"] = "the developer's"
        self.addCleanup(os.environ.pop, "AWS_PROFILE")
        self.addCleanup(os.environ.pop, "GOFLOW_SECRET")
        _, environment = self.invoke(self.start(AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128), do="environment")
        self.assertEqual("128", environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"])
        self.assertEqual(str(self.folder), environment["LAMBDA_TASK_ROOT"])
        self.assertTrue(environment["PATH"])
        self.assertNotIn("AWS_PROFILE", environment)
        self.assertNotIn("GOFLOW_SECRET", environment)

    def test_temporary_files_go_with_the_environment(self):
        executor = self.start()
        _, environment = self.invoke(executor, do="environment")
        self.assertTrue(os.path.isdir(environment["TMPDIR"]))
        executor.stop()
        self.assertFalse(os.path.exists(environment["TMPDIR"]))

    def test_errors_are_answers(self):
        executor = self.start()
        result, answer = self.invoke(executor, do="error")
        self.assertEqual((True, "Test"), (result.is_error, answer["errorType"]))
        self.pid(executor)

    def test_chunked_answer(self):
        executor = self.start()
        _, answer = self.invoke(executor, do="chunked", echo="whole")
        self.assertEqual("whole", answer["echo"])
        self.assertEqual(answer["pid"], self.pid(executor))

    def test_large_payload(self):
        large = "x" * (6 << 20)
        _, answer = self.invoke(self.start(), echo=large)
        self.assertEqual(large, answer["echo"])

    def test_only_the_invocation_that_runs_is_answered_and_once(self):
        self.invoke(self.start(), do="wrong")
        wait_for(lambda: len(self.marks()) == 2)
        self.assertEqual(["400", "400"], self.marks())

    def test_exit_fails_its_invocation_and_the_next_has_a_fresh_process(self):
        executor = self.start(timeout=20)
        first = self.pid(executor)
        started = time.monotonic()
        for event, reason in (
            ({"do": "exit", "status": 3}, "Runtime exited with error: exit status 3"),
            ({"do": "exit", "status": 0}, "Runtime exited without providing a reason"),
            ({"do": "kill"}, "Runtime exited with error: signal: killed"),
        ):
            result, answer = self.invoke(executor, **event)
            self.assertTrue(result.is_error)
            self.assertEqual(
                {"errorType": "Runtime.ExitError", "errorMessage": f"RequestId: id-1 Error: {reason}"}, answer
            )
            self.assertNotEqual(first, self.pid(executor))
        self.assertLess(time.monotonic() - started, 10)

    def test_exit_after_the_answer_fails_nothing(self):
        executor = self.start()
        first, second = self.invoke(executor, do="leave"), self.invoke(executor, do="leave")
        self.assertFalse(first[0].is_error or second[0].is_error)
        self.assertNotEqual(first[1]["pid"], second[1]["pid"])

    def test_timeout_kills_and_the_next_has_a_fresh_process(self):
        executor = self.start(timeout=1)
        first = self.pid(executor)
        started = time.monotonic()
        result, answer = self.invoke(executor, do="hang")
        self.assertAlmostEqual(1, time.monotonic() - started, delta=0.4)
        self.assertEqual(
            (True, "Sandbox.Timedout", "RequestId: id-1 Error: Task timed out after 1.00 seconds"),
            (result.is_error, answer["errorType"], answer["errorMessage"]),
        )
        self.assertIn("hanging", result.logs)
        self.assertFalse(is_running(first))
        self.assertNotEqual(first, self.pid(executor))

    def test_exit_during_init(self):
        with self.assertRaises(StatusErrorException) as caught:
            self.start(INIT="exit")
        self.assertIn("exit status 3", json.loads(caught.exception.payload)["errorMessage"])

    def test_error_reported_by_init(self):
        executor = self.make()
        started = time.monotonic()
        with self.assertRaises(StatusErrorException) as caught:
            executor.start({"INIT": "error"})
        self.assertLess(time.monotonic() - started, 5)
        self.assertEqual("Init", json.loads(caught.exception.payload)["errorType"])
        self.assertIn("starting", executor.get_logs())

    def test_init_has_its_time(self):
        self.addCleanup(setattr, module, "INIT_SECONDS", module.INIT_SECONDS)
        module.INIT_SECONDS = 0.2
        (self.folder / "bootstrap").write_text("#!/bin/sh\nsleep 60\n")
        with self.assertRaises(StatusErrorException) as caught:
            self.start()
        self.assertEqual("Sandbox.Timedout", json.loads(caught.exception.payload)["errorType"])

    def test_init_that_fails_later_fails_the_invocation(self):
        executor = self.start()
        self.invoke(executor, do="leave")
        (self.folder / "bootstrap").unlink()
        result, answer = self.invoke(executor)
        self.assertEqual((True, "Runtime.InvalidEntrypoint"), (result.is_error, answer["errorType"]))

    def test_sigterm_hook_runs_to_its_end(self):
        executor = self.start(INIT="extension")
        pid = self.pid(executor)
        executor.stop()
        self.assertEqual(["registered 200", "flushing", "flushed"], self.marks())
        self.assertFalse(is_running(pid))

    def test_process_that_ignores_sigterm_is_killed(self):
        executor = self.start(INIT="stubborn")
        pid = self.pid(executor)
        started = time.monotonic()
        executor.stop()
        self.assertAlmostEqual(0.5, time.monotonic() - started, delta=0.3)
        self.assertFalse(is_running(pid))

    def test_without_an_extension_there_is_no_grace(self):
        executor = self.start(INIT="deaf")
        started = time.monotonic()
        executor.stop()
        self.assertLess(time.monotonic() - started, 0.3)

    def test_stop_ends_an_invocation_and_starts_nothing(self):
        executor = self.start()
        with ThreadPoolExecutor() as pool:
            invocation = pool.submit(self.invoke, executor, do="hang")
            wait_for(lambda: "hanging" in executor.get_logs())
            executor.stop()
            self.assertTrue(invocation.result()[0].is_error)
        with self.assertRaisesRegex(Exception, "stopped"):
            self.invoke(executor)

    def test_children_end_with_their_process(self):
        executor = self.start()
        child = self.invoke(executor, do="fork")[1]["child"]
        self.assertTrue(is_running(child))
        self.invoke(executor, do="exit", status=1)
        wait_for(lambda: not is_running(child))

    def test_environments_run_side_by_side(self):
        executors = [self.start(), self.start()]
        with ThreadPoolExecutor() as pool:
            started = time.monotonic()
            answers = list(pool.map(lambda e: self.invoke(e, do="sleep", seconds=1)[1]["pid"], executors))
            self.assertLess(time.monotonic() - started, 1.8)
        self.assertEqual(2, len(set(answers)))
        self.invoke(executors[0], do="exit", status=1)
        self.assertEqual(answers[1], self.pid(executors[1]))

    def test_output_belongs_to_its_invocation(self):
        executor = self.start()
        first, _ = self.invoke(executor, do="print", bytes=10)
        second, _ = self.invoke(executor)
        lines = first.logs.splitlines()
        self.assertEqual("START RequestId: id-1 Version: $LATEST", lines[0])
        self.assertEqual(["starting", "x" * 10, "printed", "END RequestId: id-1"], lines[1:5])
        self.assertNotIn("printed", second.logs)
        self.assertIn("printed", executor.get_logs())
        died, _ = self.invoke(executor, do="exit", status=1)
        self.assertIn("last words", died.logs)

    def test_output_is_bounded_and_its_end_kept(self):
        executor = self.start()
        result, _ = self.invoke(executor, do="print", bytes=3 * Output.LIMIT)
        self.assertLess(len(result.logs), Output.LIMIT + 1000)
        self.assertIn("printed", result.logs)

    def test_nothing_is_left_behind(self):
        threads, descriptors = threading.active_count(), len(os.listdir("/dev/fd"))
        for _ in range(3):
            executor = self.start(INIT="extension")
            self.invoke(executor, do="exit", status=1)
            self.pid(executor)
            executor.stop()
        wait_for(lambda: threading.active_count() <= threads and len(os.listdir("/dev/fd")) <= descriptors)


if __name__ == "__main__":
    unittest.main()
