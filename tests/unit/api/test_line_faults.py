"""Faults of a body of lines: the first by line are listed, whatever the order in which they are found."""

import random

from taskqueue_api.request.line_faults import MAX_LISTED, LineFaults


def test_first_faults_by_line_are_listed() -> None:
    lines = list(range(1, 3 * MAX_LISTED + 1))
    random.Random(1).shuffle(lines)
    faults = LineFaults()
    for line in lines:
        faults.add(line, "userId", "is missing")
    assert faults.lines == len(lines)
    assert [one.line for one in faults.listed] == list(range(1, MAX_LISTED + 1))
