"""The publish lag: the age of the oldest unpublished change, through failures and later changes."""

from taskqueue.scheduler.publish_lag import PublishLag


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_the_lag_is_the_age_of_the_oldest_change() -> None:
    clock = Clock()
    lag = PublishLag(clock)
    assert lag.seconds() == 0
    lag.change()
    clock.now_s = 103
    lag.change()
    assert lag.seconds() == 3
    lag.begin()
    clock.now_s = 104
    lag.change()  # this one comes too late for what is under way
    clock.now_s = 106
    assert lag.seconds() == 6
    lag.done()
    assert lag.seconds() == 2
    lag.begin()
    lag.done()
    assert lag.seconds() == 0


def test_a_failed_publish_keeps_its_lag() -> None:
    clock = Clock()
    lag = PublishLag(clock)
    lag.change()
    lag.begin()
    clock.now_s = 105
    lag.change()
    lag.begin()  # the first time failed
    assert lag.seconds() == 5
    lag.done()
    assert lag.seconds() == 0


def test_a_publish_without_a_change_has_no_lag() -> None:
    clock = Clock()
    lag = PublishLag(clock)
    lag.begin()
    clock.now_s = 105
    assert lag.seconds() == 0
