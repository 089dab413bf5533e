"""A function for the tests: a custom runtime that does what its payload, or at its start its environment, says."""

import http.client
import json
import os
import signal
import sys
import threading
import time

ADDRESS = os.environ["AWS_LAMBDA_RUNTIME_API"]
RUNTIME = "/2018-06-01/runtime"
EXTENSION = "/2020-01-01/extension"


def call(method, path, body=None, headers=None, connection=None):
    connection = connection or http.client.HTTPConnection(ADDRESS)
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    return response.status, response.headers, response.read()


def mark(text):
    with open(os.environ["MARKS"], "a") as file:
        file.write(text + "\n")


def extend():
    status, headers, _ = call("POST", EXTENSION + "/register", '{"events":[]}', {"Lambda-Extension-Name": "test"})
    mark(f"registered {status}")
    identifier = {"Lambda-Extension-Identifier": headers["Lambda-Extension-Identifier"]}

    def follow():
        try:
            call("GET", EXTENSION + "/event/next", headers=identifier)
        finally:
            os._exit(9)  # as the Go runtime does

    threading.Thread(target=follow, daemon=True).start()


def on_sigterm(*_):
    mark("flushing")
    time.sleep(0.1)
    mark("flushed")


def respond(headers, event):
    """Returns what to answer, unless it never comes to that."""
    match event.get("do"):
        case "exit":
            print("last words", flush=True)
            os._exit(event["status"])
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "hang":
            print("hanging", flush=True)
            time.sleep(60)
        case "print":
            print("x" * event["bytes"])
            print("printed", flush=True)
        case "sleep":
            time.sleep(event["seconds"])
        case "fork":
            if not (child := os.fork()):
                time.sleep(60)
            return {"child": child}
        case "environment":
            return dict(os.environ)
        case "headers":
            return dict(headers)
        case "fail" if event["messages"]:
            failed = [r["messageId"] for r in event["Records"] if r["body"] in event["messages"]]
            return {"batchItemFailures": [{"itemIdentifier": i} for i in failed]}
    return {"pid": os.getpid(), "folder": os.getcwd(), "echo": event.get("echo")}


def post_chunked(path, body, connection):
    """In two chunks, and with the kind of trailer that the Go runtime announces."""
    half = len(body) // 2
    connection.putrequest("POST", path)
    connection.putheader("Transfer-Encoding", "chunked")
    connection.putheader("Trailer", "X-Trailer")
    connection.endheaders()
    for chunk in body[:half], body[half:]:
        connection.send(b"%x\r\n%b\r\n" % (len(chunk), chunk))
    connection.send(b"0\r\nX-Trailer: any\r\n\r\n")
    connection.getresponse().read()


def serve():
    connection = http.client.HTTPConnection(ADDRESS)  # kept, as by the Go runtime
    while True:
        _, headers, body = call("GET", RUNTIME + "/invocation/next", connection=connection)
        event = json.loads(body)
        if "Records" in event:
            event = batch(event)
        path = f"{RUNTIME}/invocation/{headers['Lambda-Runtime-Aws-Request-Id']}"
        answer = json.dumps(respond(headers, event)).encode()
        match event.get("do"):
            case "chunked":
                post_chunked(path + "/response", answer, connection)
            case "error":
                call("POST", path + "/error", '{"errorType":"Test","errorMessage":"no"}', connection=connection)
            case "wrong":
                mark(str(call("POST", f"{RUNTIME}/invocation/other/response", answer)[0]))
                call("POST", path + "/response", answer)
                mark(str(call("POST", path + "/response", answer)[0]))
            case _:
                call("POST", path + "/response", answer, connection=connection)
        if event.get("do") == "leave":  # after its answer
            os._exit(0)


def batch(event):
    """An SQS event: what to do stands in the first body that is JSON."""
    mark(" ".join(record["body"] for record in event["Records"]))
    fails = [record["body"] for record in event["Records"] if record["body"].startswith("fail")]
    return {"do": "fail", "messages": fails, "Records": event["Records"]}


print("starting", flush=True)
match os.environ.get("INIT"):
    case "exit":
        sys.exit(3)
    case "error":
        call("POST", RUNTIME + "/init/error", '{"errorType":"Init","errorMessage":"no"}')
        time.sleep(60)
    case "extension":
        signal.signal(signal.SIGTERM, on_sigterm)
        extend()
    case "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        extend()
    case "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
serve()
