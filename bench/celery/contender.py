"""Celery as a contender; bench/internal/child says what the orders mean.

It starts Celery's worker by its command line, as one would, and with what Celery has by
itself: a process for each processor.
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
PUSHERS = 10  # Celery keeps as many connections for those who push

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
        "polling_interval": POLL_GAP,
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
        self.results = []
        self.pushers = ThreadPoolExecutor(PUSHERS)
        self.waiters = ThreadPoolExecutor(100)

    def make(self, _order):
        boto3.client("sqs", "us-east-1", endpoint_url=sqs, aws_access_key_id="test", aws_secret_access_key="test").create_queue(QueueName=name)
        app.backend._get_client()  # makes the table

    def work(self, _order):
        command = [sys.executable, "-m", "celery", "-A", "contender", "worker", "--loglevel=ERROR", "--without-mingle", "--without-gossip", "--pool=threads", "--concurrency=100"]
        self.worker = subprocess.Popen(command, cwd=os.path.dirname(__file__), stdin=subprocess.DEVNULL, stdout=sys.stderr)

    def push(self, order):
        payload = "p" * order["bytes"]
        self.results = list(self.pushers.map(lambda _: bench.delay(payload), range(order["tasks"])))

    def wait(self, _order):
        list(self.pushers.map(read, self.results))

    def pace(self, order):
        payload, gaps = "p" * order["bytes"], random.Random(1)

        def one(_):
            begin = time.monotonic()
            read(bench.delay(payload))
            return time.monotonic() - begin

        running = []
        for i in range(order["tasks"]):
            time.sleep((0.5 + gaps.random()) * order["gap"])
            running.append(self.waiters.submit(one, i))
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


if __name__ == "__main__":
    main()
