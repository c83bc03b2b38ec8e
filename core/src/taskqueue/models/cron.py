"""What a cron line must be. When it fires is the plan's business."""

from datetime import UTC, datetime
from functools import lru_cache

from cronsim import CronSim, CronSimError

from taskqueue.models.refusal import ValueRefusedError, shown

MAX_CHARACTERS = 128
FIELD_COUNT = 5

# cronsim looks 50 years ahead, which holds every combination of dates.
_ANY_START = datetime(2000, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=4_096)
def check_cron(text: str) -> None:
    """Raise ValueRefusedError unless the text is five cron fields that fire at some time.

    `0 0 31 2 *` never does.
    """
    fields = text.split()
    if len(text) > MAX_CHARACTERS or len(fields) != FIELD_COUNT or not text.isascii():
        raise ValueRefusedError(
            'write five fields (minute hour day month weekday), such as "0 2 * * *", '
            f'instead of "{shown(text)}"'
        )
    try:
        next(CronSim(text, _ANY_START))
    except CronSimError as error:
        reason = str(error).removeprefix("Bad ")
        raise ValueRefusedError(
            f'write another {reason}, which "{shown(text)}" gets wrong; "0 2 * * *" is daily at 2'
        ) from error
    except StopIteration as error:
        raise ValueRefusedError(f'write a date that exists: "{shown(text)}" never comes') from error
