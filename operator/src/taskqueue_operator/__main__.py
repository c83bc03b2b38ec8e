"""`python -m taskqueue_operator` runs the operator."""

from taskqueue_entry import enter

if __name__ == "__main__":
    enter("taskqueue_operator.service")
