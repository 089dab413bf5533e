"""Celery as a contender; bench/internal/child says what the orders mean.

It starts Celery's worker by its command line, as one would. Its handlers are threads: as it comes,
with a process for each processor and a second between two polls, it ran a tenth of the tasks,
and with less between them the processes got into each other's connections to DynamoDB.
"""

import json
import os
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import boto3
import celery
import psutil

REPLY = "r" * 100
POLL_GAP = 0.05  # s
THREADS = 10  # that push and read: Celery keeps as many connections for those who push

name = os.environ["BENCH_NAME"]
sqs = os.environ["AWS_ENDPOINT_URL_SQS"]
dynamodb = os.environ["AWS_ENDPOINT_URL_DYNAMODB"]

app = celery.Celery(
    "contender",
    broker="sqs://test:test@" + sqs.removeprefix("http://") + "//",
    backend="dynamodb://test:test@" + dynamodb.removeprefix("http://") + "/" + name,
)
app.conf.update(
    task_default_queue=name,
    # Without it, the queue's URL would be that of ElasticMQ itself, where nobody counts.
    broker_transport_options={
        "is_secure": False,
        "polling_interval": POLL_GAP,  # between two long polls; a second by default
        "region": "us-east-1",
        "predefined_queues": {name: {"url": f"{sqs}/000000000000/{name}"}},
    },
)


@app.task(name="bench")
def bench(_payload):
    return REPLY


class Program:
    def __init__(self):
        self.worker = None
        self.handlers = 0
        self.results = []
        self.threads = ThreadPoolExecutor(THREADS)

    def make(self, order):
        self.handlers = order["settings"]["handlers"]
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        boto3.client("sqs", "us-east-1", endpoint_url=sqs, **keys).create_queue(QueueName=name)
        app.backend._get_client()  # makes the table

    def work(self, _order):
        command = ["-W", "ignore", "-m", "celery", "-A", "contender", "worker", "--loglevel=ERROR"]
        command += ["--pool=threads", f"--concurrency={self.handlers}"]
        self.worker = subprocess.Popen(
            [sys.executable, *command], cwd=os.path.dirname(__file__), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )

    def push(self, order):
        payload = "p" * order["bytes"]
        self.results = list(self.threads.map(lambda _: bench.delay(payload), range(order["tasks"])))

    def wait(self, _order):
        list(self.threads.map(read, self.results))

    def pace(self, order):
        payload, gaps = "p" * order["bytes"], random.Random(1)

        def one(_):
            begin = time.monotonic()
            read(bench.delay(payload))
            return time.monotonic() - begin

        running = []
        for i in range(order["tasks"]):
            time.sleep((0.5 + gaps.random()) * order["gap"])
            running.append(self.threads.submit(one, i))
        return {"latencies": [r.result() for r in running]}

    def usage(self, _order):
        me = psutil.Process()
        times = [p.cpu_times() for p in [me, *me.children(recursive=True)]]
        return {"allocations": -1, "processor": sum(t.user + t.system for t in times)}


def read(result):
    if result.get(interval=POLL_GAP) != REPLY:
        raise ValueError("that is not the result")


def main():
    program = Program()
    orders = {
        "make": program.make,
        "work": program.work,
        "push": program.push,
        "await": program.wait,
        "pace": program.pace,
        "usage": program.usage,
    }
    for line in sys.stdin:
        order, begin = json.loads(line), time.monotonic()
        try:
            answer = orders[order["do"]](order) or {}
        except Exception as e:  # whatever it is, the other side wants to know
            answer = {"error": repr(e)}
        answer["seconds"] = time.monotonic() - begin
        print(json.dumps(answer), flush=True)
    if program.worker:  # whoever gave orders is gone
        program.worker.kill()


if __name__ == "__main__":
    main()
