"""What must be refused of schedules and durations."""

from collections.abc import Iterator
from typing import Any

from manifest_case import FIVE_MINUTES, NIGHTLY, Case, of_type


def schedules() -> Iterator[Case]:
    def of(bad: Any, good: Any, says: str, name: str) -> Case:
        return of_type(name, {"schedule": bad}, {"schedule": good}, says)

    five = "write cron as five fields"
    fields = "write cron with minutes 0-59"
    zone = 'write timeZone as an IANA time zone, such as "Europe/Berlin"'
    yield of(..., NIGHTLY, "spec.schedule: Required value", "no schedule")
    yield of({}, NIGHTLY, "write schedule with interval", "neither interval nor cron")
    yield of(FIVE_MINUTES | NIGHTLY, FIVE_MINUTES, "write either interval or cron", "interval and cron")
    yield of(
        FIVE_MINUTES | {"timeZone": "UTC"}, NIGHTLY | {"timeZone": "UTC"}, "with cron only", "zone alone"
    )
    for bad, good, says in [
        ("0 2 * *", "0 2 * * *", five),
        ("0 0 2 * * *", "0  2\t* * *", five),
        ("@daily", "0 0 * * *", five),
        ("0 2 * * \N{EN DASH}", "0 2 * * 1-5", five),
        ("60 2 * * *", "59,007 2 * * *", fields),
        ("0 24 * * *", "*/5 23 * * *", fields),
        ("0 2 32 * *", "0 2 1-31/2,L,LW * *", fields),
        ("0 2 * 13 *", "0 2 * dec-DEC *", fields),
        ("0 2 * * 8", "0 2 * * 7,0,sun-SAT/2,5L,MON#2", fields),
        ("0 2 * * MON#6", "0 2 * * MON#5", fields),
        ("*/0 * * * *", "*/1 * * * *", fields),
        ("0,,1 2 * * *", "0,1 2 * * *", fields),
        ("0 2 ? * *", "0 2 * * *", fields),
        ("0" * 121 + " 2 * * *", "0" * 119 + " 2 * * *", "Too long"),
    ]:
        yield of({"cron": bad}, {"cron": good}, says, f"cron {bad[:16]}")
    for bad, good in [
        ("Mars/Base", "America/Port-au-Prince"),
        ("+01:00", "Etc/GMT+1"),
        ("../UTC", "UTC"),
        ("", "Europe/Berlin"),
    ]:
        yield of(NIGHTLY | {"timeZone": bad}, NIGHTLY | {"timeZone": good}, zone, f"time zone '{bad}'")
    yield of(NIGHTLY | {"timeZone": "A" * 65}, NIGHTLY, "Too long", "time zone of 65 characters")
    yield of_type(
        "a window longer", {"window": "6m"}, {"window": "5m"}, "write window of at most the interval, 5m"
    )


def durations() -> Iterator[Case]:
    form = 'as a duration such as "5m" or "1h30m"'
    longest = "99999h59m59s999ms"
    places: dict[str, Any] = {
        "interval": lambda text: {"schedule": {"interval": text}},
        "window": lambda text: {"schedule": NIGHTLY, "window": text},
        "timeout": lambda text: {"timeout": text},
        "startingDeadline": lambda text: {"startingDeadline": text},
        "minBackoff": lambda text: {"retry": {"minBackoff": text, "maxBackoff": "99999h"}},
        "maxBackoff": lambda text: {"retry": {"minBackoff": "1ms", "maxBackoff": text}},
    }
    for field, at in places.items():
        yield of_type(f"{field} in words", at("5 minutes"), at("5m"), f"write {field} {form}")
        yield of_type(f"{field} of five parts", at("1s1s1s1s1s"), at("1s1s1s1s"), f"write {field} {form}")
        yield of_type(f"{field} without text", at(""), at("1s"), f"write {field} {form}")
        yield of_type(f"{field} as a number", at(300), at("300s"), f"{field}: Invalid value")
        too_long = "99999h1h" if field == "minBackoff" else "99999h60m"
        whole = "99998h" if field == "minBackoff" else "99999h59m59s"
        yield of_type(f"{field} of centuries", at(too_long), at(whole), f"write {field} of at most {longest}")
        yield of_type(f"{field} of 33 characters", at("1" * 32 + "s"), at("1s"), "Too long")
        if field in ("interval", "window"):
            yield of_type(f"{field} below a second", at("999ms"), at("1000ms"), f"write {field} in whole sec")
            yield of_type(f"{field} and a half", at("1s500ms"), at("2s"), f"write {field} in whole seconds")
        else:
            yield of_type(f"{field} of nothing", at("0s"), at("1ms"), f"write {field} above zero")
