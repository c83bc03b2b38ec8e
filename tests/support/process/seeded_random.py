"""A random generator with a repeatable seed, which is printed and shown by pytest with a failure."""

import os
import random


def chance(seed: int) -> random.Random:
    """TASKQUEUE_SEED takes the place of `seed`."""
    seed = int(os.environ.get("TASKQUEUE_SEED", seed))
    print(f"TASKQUEUE_SEED={seed}")
    return random.Random(seed)
