"""Task types and users at random, with zones, intervals to choose, excluded time and a circuit breaker."""

from random import Random

from taskqueue.models.values import CatchUp, Exclusion, Schedule, Subscription, TaskType, UserSubscription

CRONS = {"nightly": "30 * * * *", "often": "*/15 * * * *"}
NAMES = (*CRONS, "sync", "poll")
ZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe")
INTERVALS_S = (300, 600, 900, 1_800)
_EXCLUSIONS = ((), (), (Exclusion(daily_s=(36_000, 39_600)),))


def random_type(random: Random, name: str) -> TaskType:
    """Return a type of NAMES; one dead letter suspends a subscription."""
    return TaskType(
        name,
        _schedule(random, name),
        function="f",
        catch_up=random.choice(list(CatchUp)),
        exclude=random.choice(_EXCLUSIONS),
        suspend_after=1,
        retry_suspended_after_ms=random.choice((600_000, 86_400_000)),
    )


def _schedule(random: Random, name: str) -> Schedule:
    if name in CRONS:
        zone = random.choice((None, None, *ZONES))
        return Schedule(cron=CRONS[name], time_zone=zone, window_s=random.choice((None, 300)))
    own = random.choice(INTERVALS_S)
    others = random.sample([one for one in INTERVALS_S if one != own], random.randint(0, 3))
    return Schedule(
        interval_s=own, intervals_s=tuple(sorted(others)), window_s=random.choice((None, None, 200))
    )


def random_user(random: Random, user: str) -> UserSubscription:
    """Return a user with most of the types; an interval may be one that the type does not offer."""
    tasks = tuple(
        Subscription(
            name,
            suspend=random.random() < 0.15,
            interval_s=None if name in CRONS else random.choice((None, *INTERVALS_S)),
        )
        for name in NAMES
        if random.random() < 0.85
    )
    return UserSubscription(
        user, tasks or (Subscription("sync"),), random.random() < 0.1, time_zone=random.choice(ZONES)
    )
