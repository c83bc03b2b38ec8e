"""Places of subscriptions in their windows: a store that is filled again may deal other places."""

from array import array
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from zlib import crc32

from taskqueue.plan.spread import spread_class
from taskqueue.store.command import zscan
from taskqueue.store.connection import Store
from taskqueue.store.scalars import read_place
from taskqueue.store.type_record import TypeRecord

_BATCH = 1_000
_DIGEST_BYTES = 7


class Places:
    """The places of the subscriptions of some types, eight bytes each."""

    def __init__(self, places: "array[int]") -> None:
        self.places = places

    @property
    def digest(self) -> int:
        """Return a number above 0 that changes with every subscription and place."""
        in_order = array("Q", sorted(self.places))
        return 1 + int.from_bytes(blake2b(in_order.tobytes(), digest_size=_DIGEST_BYTES).digest())

    def have(self, later: "Places") -> bool:
        """Tell whether every later subscription was here in the same place; further ones may have gone."""
        return set(later.places) <= set(self.places)


async def read_places(
    store: Store, records: Iterable[TypeRecord], variants: Mapping[str, int]
) -> Places | None:
    """Read the places of these types; None while a schedule takes over, which changes places.

    variants: numbers by name; a store that is filled again may deal other numbers.
    """
    names = {number: name for name, number in variants.items()}
    places = array("Q")
    for record in records:
        if record.building or len(record.active) != 1:
            return None
        (generation,) = record.active
        salt = f"{record.task_type.name} {spread_class(generation.schedule).name}"
        key = store.keys.schedule(record.task_type.name, generation.number)
        async for rows in store.scan(zscan(key, _BATCH)):
            for user, score in rows:
                if not score.is_integer():
                    continue  # a malformed member
                place = read_place(score)  # suspended: it keeps its place
                of_variant = crc32(f"{salt} {names.get(place.variant, '')}".encode())
                places.append((place.offset_ms & 0xFFFF_FFFF) << 32 | crc32(user, of_variant))
    return Places(places)
