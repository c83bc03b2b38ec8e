"""Slows wrong tokens: each address that sends them waits, longer each time. Nothing sleeps; callers are told to wait.

An address has a few wrong tokens free. While many addresses send wrong ones, each has but one. An address that sent
none never waits, so that no attacker keeps a right token from another address out.
"""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

#: Wrong tokens of one address without a wait; then it doubles, from one second to a minute.
FREE = 5
MAX_WAIT_S = 60.0
#: Wrong tokens of all addresses in MAX_WAIT_S beyond which each address waits that long at once.
MAX_ALL = 100
#: Seconds without a wrong token after which an address is forgotten; also the oldest of more than so many addresses.
_FORGET_S = 600.0
MAX_ADDRESSES = 10_000


@dataclass(slots=True)
class _Failures:
    number: int = 0
    last_s: float = 0.0
    until_s: float = 0.0


class Throttle:
    """now_s: the clock, in seconds."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._failures: OrderedDict[str, _Failures] = OrderedDict()
        self._all = 0.0
        self._all_at_s = now_s()

    def wait_s(self, address: str) -> float:
        """Return the seconds until an address may send a token again; 0 for now."""
        found = self._failures.get(_network(address))
        return max(0.0, found.until_s - self._now_s()) if found else 0.0

    def fail(self, address: str) -> None:
        """Note a wrong token."""
        now_s = self._now_s()
        self._all = max(0.0, self._all - (now_s - self._all_at_s) * MAX_ALL / MAX_WAIT_S) + 1
        self._all_at_s = now_s
        network = _network(address)
        found = self._failures.pop(network, None)
        if found is None or now_s - found.last_s > _FORGET_S:
            found = _Failures()
        self._failures[network] = found
        found.number += 1
        found.last_s = now_s
        found.until_s = now_s + self._penalty_s(found.number)
        if len(self._failures) > MAX_ADDRESSES:
            self._failures.popitem(last=False)

    def _penalty_s(self, number: int) -> float:
        if self._all > MAX_ALL:
            self._all = float(MAX_ALL)
            return MAX_WAIT_S
        return float(min(2 ** min(number - FREE, 10), MAX_WAIT_S)) if number >= FREE else 0.0


def _network(address: str) -> str:
    """Return the address, of IPv6 the network of 64 bits: a host has as many addresses there as it likes.

    An IPv4 address may be written as one of IPv6, by a proxy that listens for both.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ipaddress.IPv6Network((parsed, 64), strict=False))
