"""The executor inside the LocalStack that runs: a queue, its mapping, a function."""

import io
import json
import os
import tempfile
import unittest
import uuid
import zipfile
from pathlib import Path

import boto3
from support import BOOTSTRAP, FUNCTION, wait_for


def make_zip():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("function.py", FUNCTION.read_text())
        archive.writestr("bootstrap", BOOTSTRAP)
    return buffer.getvalue()


class LocalStackTest(unittest.TestCase):
    def setUp(self):
        self.name = f"executor-{uuid.uuid4().hex[:8]}"
        self.marks = Path(self.enterContext(tempfile.TemporaryDirectory())) / "marks"
        session = boto3.Session("test", "test", region_name="us-east-1")
        self.endpoint = os.environ["AWS_ENDPOINT_URL"]
        self.functions, self.sqs = (session.client(name, endpoint_url=self.endpoint) for name in ("lambda", "sqs"))

    def create_function(self, **variables):
        self.functions.create_function(
            FunctionName=self.name,
            Runtime="provided.al2023",
            Role="arn:aws:iam::000000000000:role/any",
            Handler="bootstrap",
            Code={"ZipFile": make_zip()},
            Timeout=1,
            Environment={"Variables": {"MARKS": str(self.marks), **variables}},
        )
        self.addCleanup(self.functions.delete_function, FunctionName=self.name)
        wait_for(lambda: self.functions.get_function(FunctionName=self.name)["Configuration"]["State"] == "Active")

    def invoke(self, **event):
        response = self.functions.invoke(FunctionName=self.name, Payload=json.dumps(event))
        return response.get("FunctionError"), json.load(response["Payload"])

    def create_queue(self):
        url = self.sqs.create_queue(QueueName=self.name, Attributes={"VisibilityTimeout": "1"})["QueueUrl"]
        self.addCleanup(self.sqs.delete_queue, QueueUrl=url)
        mapping = self.functions.create_event_source_mapping(
            EventSourceArn=f"arn:aws:sqs:us-east-1:000000000000:{self.name}",
            FunctionName=self.name,
            FunctionResponseTypes=["ReportBatchItemFailures"],
        )
        self.addCleanup(self.functions.delete_event_source_mapping, UUID=mapping["UUID"])
        return url

    def received(self):
        """The bodies, in the order of the invocations."""
        return self.marks.read_text().split() if self.marks.exists() else []

    def test_function_is_invoked_and_survives_an_exit(self):
        self.create_function()
        error, environment = self.invoke(do="environment")
        self.assertIsNone(error)
        self.assertEqual(self.endpoint, environment["AWS_ENDPOINT_URL"])
        self.assertEqual(self.name, environment["AWS_LAMBDA_FUNCTION_NAME"])
        error, answer = self.invoke(do="exit", status=1)
        self.assertEqual(("Unhandled", "Runtime.ExitError"), (error, answer["errorType"]))
        self.assertIsNone(self.invoke()[0])

    def test_init_error_is_the_answer(self):
        self.create_function(INIT="error")
        self.assertEqual(("Unhandled", {"errorType": "Init", "errorMessage": "no"}), self.invoke())

    def test_own_variables_win(self):
        self.create_function(AWS_ENDPOINT_URL="http://own")
        self.assertEqual("http://own", self.invoke(do="environment")[1]["AWS_ENDPOINT_URL"])

    def test_queue_invokes_and_gets_back_what_failed(self):
        self.create_function()
        url = self.create_queue()
        entries = [{"Id": body, "MessageBody": body} for body in ("good", "fail-this", "fine")]
        self.sqs.send_message_batch(QueueUrl=url, Entries=entries)
        wait_for(lambda: self.received().count("fail-this") == 2, 20)
        self.assertEqual((1, 1), (self.received().count("good"), self.received().count("fine")))


if __name__ == "__main__":
    unittest.main()
