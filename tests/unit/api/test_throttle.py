"""Wrong tokens are slowed, in bounded memory, and right ones of other addresses never."""

import pytest

from taskqueue_api.sign_in import throttle as module
from taskqueue_api.sign_in.throttle import FREE, MAX_ALL, MAX_WAIT_S, Throttle


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


def waits(throttle: Throttle, clock: Clock, address: str, times: int) -> list[float]:
    """Return the wait after each wrong token, each sent as soon as it may be."""
    found = []
    for _ in range(times):
        clock.now_s += throttle.wait_s(address)
        throttle.fail(address)
        found.append(throttle.wait_s(address))
    return found


def test_an_address_waits_twice_as_long_each_time() -> None:
    clock = Clock()
    found = waits(Throttle(clock), clock, "192.0.2.1", FREE + 8)
    assert found == [0.0] * (FREE - 1) + [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_an_attacker_gets_few_tokens_an_hour() -> None:
    clock = Clock()
    throttle, began_s = Throttle(clock), clock.now_s
    tried = 0
    while clock.now_s < began_s + 3_600:
        waits(throttle, clock, "192.0.2.1", 1)
        tried += 1
    assert tried < 80


def test_another_address_does_not_wait() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    for number in range(10 * MAX_ALL):
        throttle.fail(f"192.0.2.{number % 256}")
    assert throttle.wait_s("198.51.100.1") == 0


def test_each_of_many_addresses_waits_after_its_first_wrong_token() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    for number in range(MAX_ALL):
        throttle.fail(f"10.0.{number // 256}.{number % 256}")
        assert throttle.wait_s(f"10.0.{number // 256}.{number % 256}") == 0
    throttle.fail("198.51.100.1")
    assert throttle.wait_s("198.51.100.1") == MAX_WAIT_S
    clock.now_s += MAX_WAIT_S
    throttle.fail("198.51.100.2")
    assert throttle.wait_s("198.51.100.2") == 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8:0:1::1", "2001:db8::1", False),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("no address", "no address", True),
        ("", "192.0.2.2", False),
    ],
)
def test_addresses_of_one_host_wait_together(one: str, other: str, same: bool) -> None:
    clock = Clock()
    throttle = Throttle(clock)
    waits(throttle, clock, one, FREE)
    assert (throttle.wait_s(other) > 0) is same


def test_a_quiet_address_is_forgotten() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    waits(throttle, clock, "192.0.2.1", FREE + 3)
    clock.now_s += 601
    assert waits(throttle, clock, "192.0.2.1", 1) == [0]


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ADDRESSES", 100)
    throttle = Throttle(Clock())
    for number in range(1_000):
        throttle.fail(f"10.0.{number // 256}.{number % 256}")
    assert len(throttle._failures) == 100
