"""Durations in words."""

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def duration_text(seconds: float) -> str:
    """Return a duration in its two largest units that are not zero.

    >>> duration_text(0.0421), duration_text(3.26), duration_text(42.3), duration_text(75), duration_text(7_200)
    ('42 ms', '3.3 s', '42 s', '1 min 15 s', '2 h')
    >>> duration_text(88_109.3), duration_text(59.96), duration_text(3_599.7)
    ('1 d 28 min', '1 min', '1 h')
    """
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:  # noqa: PLR2004
        return f"{seconds:.1f} s"
    rest_s, words = round(seconds), []
    for unit_s, unit in _UNITS:
        number, rest_s = divmod(rest_s, unit_s)
        if number:
            words.append(f"{number} {unit}")
    return " ".join(words[:2])
