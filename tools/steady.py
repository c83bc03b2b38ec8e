"""Run unit, property and store tests again and again, on a quiet machine and next to busy loops; all must pass.

No test may depend on the speed or the load of the machine, or on luck. Ends with the first run that fails.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

#: A busy loop ends by itself after this time, whatever becomes of this process.
BUSY_MAX_S = 1_200
_LOOP = "import sys, time; end = time.monotonic() + float(sys.argv[1])\nwhile time.monotonic() < end: pass"


@contextmanager
def busy(loops: int) -> Iterator[None]:
    """Keep that many processors busy."""
    with ExitStack() as stack:
        for _ in range(loops):
            process = subprocess.Popen([sys.executable, "-c", _LOOP, str(BUSY_MAX_S)])
            stack.callback(process.wait)
            stack.callback(process.kill)
        yield


def run(runs: int, loops: int, tests: Sequence[str]) -> None:
    """Run the tests so often beside so many busy loops. Raises SystemExit when one run is red."""
    with busy(loops):
        for number in range(1, runs + 1):
            began_s = time.monotonic()
            code = subprocess.run([sys.executable, "-m", "pytest", "-q", *tests], check=False).returncode
            print(f"steady: run {number} of {runs} beside {loops} busy loops: exit {code} after "
                  f"{time.monotonic() - began_s:.0f} s", flush=True)  # fmt: skip
            if code:
                sys.exit(code)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="of each kind (5)")
    parser.add_argument("--loops", type=int, default=2, help="busy loops beside the second kind (2)")
    parser.add_argument("tests", nargs="*", help="what pytest is given")
    options = parser.parse_args()
    tests = options.tests or [
        "-n",
        "2",
        "--dist",
        "loadfile",
        "tests/unit",
        "tests/property",
        "tests/fundamentals",
        "tests/store",
    ]
    for loops in (0, options.loops):
        run(options.runs, loops, tests)


if __name__ == "__main__":
    main()
