"""What the tests share: the function as a folder or a zip, and how to wait."""

import shlex
import sys
import time
from pathlib import Path

FUNCTION = Path(__file__).with_name("function.py")
# Not a shebang with the interpreter's path: that may be too long, or hold a space.
BOOTSTRAP = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -IS "$LAMBDA_TASK_ROOT/function.py"\n'


def write_function(folder: Path) -> None:
    (folder / "function.py").write_text(FUNCTION.read_text())
    (folder / "bootstrap").write_text(BOOTSTRAP)
    (folder / "bootstrap").chmod(0o755)


def wait_for(condition, seconds=10.0):
    """The first true value of the condition."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s")
        time.sleep(0.02)
    return value
