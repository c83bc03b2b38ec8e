"""`python -m taskqueue.scheduler` runs the scheduler."""

import sys

from taskqueue.scheduler.service import main

sys.exit(main())
