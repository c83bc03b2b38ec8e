"""`python -m taskqueue_operator`."""

import sys

from taskqueue_operator.service import main

if __name__ == "__main__":
    sys.exit(main())
