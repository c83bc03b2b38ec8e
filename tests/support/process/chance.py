"""Chance that can be repeated: the seed is printed, which pytest shows with a failure."""

import os
import random


def chance(seed: int) -> random.Random:
    """TASKQUEUE_SEED takes the place of `seed`."""
    seed = int(os.environ.get("TASKQUEUE_SEED", seed))
    print(f"TASKQUEUE_SEED={seed}")
    return random.Random(seed)
