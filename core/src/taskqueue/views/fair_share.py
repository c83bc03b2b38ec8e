"""A fair share of a limited number of rows: small lists are whole, the longest ones are cut."""

from collections.abc import Mapping


def fair_shares(lengths: Mapping[str, int], most: int) -> Mapping[str, int]:
    """Return how many rows each list keeps of at most `most`: it is cut to the same length as all that are cut.

    >>> fair_shares({"often": 500, "hourly": 48, "nightly": 2}, 100)
    {'nightly': 2, 'hourly': 48, 'often': 50}
    """
    shares: dict[str, int] = {}
    by_length = sorted(lengths.items(), key=lambda one: one[1])
    for number, (name, length) in enumerate(by_length):
        shares[name] = min(length, most // (len(by_length) - number))
        most -= shares[name]
    return shares
