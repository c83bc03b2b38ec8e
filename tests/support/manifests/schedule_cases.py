"""Manifests with a schedule or a duration to refuse."""

from collections.abc import Iterator
from typing import Any

from tests.support.manifests.case import FIVE_MINUTES, NIGHTLY, Case, of_type

FIVE = 'cron must be five fields (minute hour day month weekday), such as "0 2 * * *"'
BY_CHANCE = "cron must have numbers in place of H and ~"
BACKWARDS = "must have ranges that do not end before they begin"

#: A bad line, a good one, and what both the API server and the models say of the bad one.
CRON_LINES = [
    ("0 2 * *", "0 2 * * *", FIVE),
    ("", "0  2\t* * *", FIVE),
    ("0 2 * * \N{EN DASH}", "0 2 * * 1-5", FIVE),
    ("0 0 2 * * *", "0 2 * * *", 'cron must be five fields, without seconds or a year; write "0 2 * * *"'),
    ("0 0/5 * * * ?", "0/5 * * * *", 'without seconds or a year; write "0/5 * * * *"'),
    ("0 15 10 ? * 6L 2026-2030", "15 10 * * 6L", 'without seconds or a year; write "15 10 * * 6L"'),
    ("0 2 * * MON 2026", "0 2 * * MON", 'without seconds or a year; write "0 2 * * MON"'),
    ("0 12 * * ? *", "0 12 * * *", 'without seconds or a year; write "0 12 * * *"'),
    ("0 12 ? * MON *", "0 12 * * MON", 'without seconds or a year; write "0 12 * * MON"'),
    ("0 0 2  * * *", "0 2  * * *", FIVE),
    ("one two three four five six", "0 2 * * *", FIVE),
    (
        "*/10 * * * * *",
        "*/10 * * * *",
        'cron must be five fields (was "*/10 * * * * *"); write interval: 10s',
    ),
    ("@hourly", "0 * * * *", 'cron must be five fields (was "@hourly"); write "0 * * * *"'),
    ("@daily", "0 0 * * *", 'cron must be five fields (was "@daily"); write "0 0 * * *"'),
    ("@midnight", "0 0 * * *", 'cron must be five fields (was "@midnight"); write "0 0 * * *"'),
    ("@weekly", "0 0 * * 0", 'cron must be five fields (was "@weekly"); write "0 0 * * 0"'),
    ("@monthly", "0 0 1 * *", 'cron must be five fields (was "@monthly"); write "0 0 1 * *"'),
    ("@yearly", "0 0 1 1 *", 'cron must be five fields (was "@yearly"); write "0 0 1 1 *"'),
    ("@annually", "0 0 1 1 *", 'cron must be five fields (was "@annually"); write "0 0 1 1 *"'),
    ("@every 5m", "*/5 * * * *", 'cron must be five fields (was "@every 5m"); write interval: 5m'),
    ("1h30m", "0 0-23/2 * * *", 'cron must be five fields (was "1h30m"); write interval: 1h30m'),
    ("@every 0s", "*/5 * * * *", 'without @every; for a period write interval, such as "5m"'),
    ("@every 500ms", "*/5 * * * *", 'without @every; for a period write interval, such as "5m"'),
    ("@every 1.5h", "0 */2 * * *", 'without @every; for a period write interval, such as "5m"'),
    ("@reboot", "0 0 * * *", "no job starts with a machine"),
    (
        "CRON_TZ=Europe/Berlin 0 2 * * *",
        "0 2 * * *",
        'without a time zone; write timeZone: Europe/Berlin and cron: "0 2 * * *"',
    ),
    ("TZ=UTC 0 2 * * *", "0 2 * * *", 'without a time zone; write timeZone: UTC and cron: "0 2 * * *"'),
    ("0 2 ? * *", "0 2 * * *", 'cron must have * in place of ?; write "0 2 * * *"'),
    ("0 2  ? * *", "0 2  * * *", "cron must have * in place of ?"),
    ("H H * * *", "17 3 * * *", BY_CHANCE),
    ("H/15 * * * *", "*/15 * * * *", BY_CHANCE),
    ("0~59 2 * * *", "41 2 * * THU", BY_CHANCE),
    ("60 2 * * *", "59,007 2 * * *", "the minute of cron must be *, 0-59"),
    ("*/0 * * * *", "*/1 * * * *", '(was "*/0")'),
    ("0,,1 2 * * *", "0,1 2 * * *", "the minute of cron must be"),
    ("0 24 * * *", "*/5 23 * * *", "the hour of cron must be *, 0-23"),
    ("0 2 32 * *", "0 2 1-31/2,L,LW * *", "the day of cron must be *, 1-31"),
    ("0 2 15W * *", "0 2 LW * *", '(was "15W")'),
    ("0 2 L-3 * *", "0 2 L * *", '(was "L-3")'),
    ("0 2 * 13 *", "0 2 * dec-DEC *", "the month of cron must be *, 1-12"),
    ("0 2 * * 8", "0 2 * * 7,0,sun-SAT/2,5L,MON#2", "the weekday of cron must be *, 0-7"),
    ("0 2 * * MON#6", "0 2 * * MON#5", '(was "MON#6")'),
    ("0 2 * * FRIL", "0 2 * * 5L", '(was "FRIL")'),
    ("0 2 * * " + "1," * 40 + "9", "0 2 * * " + "1," * 40 + "1", '(was "' + "1," * 30 + '...")'),
    ("50-10 * * * *", "50-59,0-10 * * * *", '"50-59,0-10" (was "50-10")'),
    ("30-29 * * * *", "0-59 * * * *", 'the minute of cron must be "0-59" (was "30-29")'),
    ("59-00 * * * *", "59,00 * * * *", 'the minute of cron must be "59,00" (was "59-00")'),
    ("59-1 * * * *", "59,0-1 * * * *", 'the minute of cron must be "59,0-1" (was "59-1")'),
    ("0 20-4 * * *", "0 20-23,0-4 * * *", 'the hour of cron must be "20-23,0-4" (was "20-4")'),
    ("0 12,22-2 * * *", "0 12,22-23,0-2 * * *", '"12,22-23,0-2" (was "12,22-2")'),
    ("50-10/5 * * * *", "50-59/5 * * * *", f"the minute of cron {BACKWARDS}"),
    ("0 20-4/2 * * *", "0 20-23/2,0-4/2 * * *", f'the hour of cron {BACKWARDS} (was "20-4/2")'),
    ("0 2 30-5/2 * *", "0 2 30-31/2,1-5/2 * *", f"the day of cron {BACKWARDS}"),
    ("0 2 * NOV-FEB/3 *", "0 2 * FEB-NOV/3 *", f"the month of cron {BACKWARDS}"),
    ("0 2 * * SAT-MON/2", "0 2 * * MON-SAT/2", f"the weekday of cron {BACKWARDS}"),
    ("0 2 25-5 * *", "0 2 25-31,1-5 * *", 'the day of cron must be "25-31,1-5" (was "25-5")'),
    ("0 2 * NOV-FEB *", "0 2 * NOV-DEC,JAN-FEB *", '"NOV-DEC,JAN-FEB" (was "NOV-FEB")'),
    ("0 2 * 12-2 *", "0 2 * 12,1-2 *", 'the month of cron must be "12,1-2" (was "12-2")'),
    ("0 2 * * MON-SUN", "0 2 * * 0-6", 'the weekday of cron must be "0-6" (was "MON-SUN")'),
    ("0 2 * * SAT-SUN", "0 2 * * SAT,SUN", 'the weekday of cron must be "SAT,SUN" (was "SAT-SUN")'),
    ("0 2 * * fri-mon", "0 2 * * fri-SAT,SUN-mon", '"fri-SAT,SUN-mon" (was "fri-mon")'),
    ("0 2 * * 1-2,SAT-MON", "0 2 * * 1-2,6-7", f'{BACKWARDS} (was "1-2,SAT-MON")'),
    ("0 2 * * 7-2", "0 2 * * 7,0-2", 'the weekday of cron must be "7,0-2" (was "7-2")'),
    ("0 0 31 2 *", "0 0 31 2 1", '(was day "31" in month "2")'),
    (
        "0 0 30 feb *",
        "0 0 30 mar *",
        '(was day "30" in month "feb"); L is the last day of every month',
    ),
    (
        "0 0 30-31/2,31 2 */2",
        "0 0 29-31/2,31 2 */2",
        'the day of cron must exist in the month (was day "30-31/2,31"',
    ),
    ("0 0 31 APR,6,9,nov *", "0 0 30 APR,6,9,nov *", '(was day "31" in month "APR,6,9,nov")'),
    ("0 0 31 2,4 *", "0 0 31 2,5 *", '(was day "31" in month "2,4")'),
]


ZONES_MEANT = {"BST": "Europe/London", "pdt": "America/Los_Angeles"}


def schedules() -> Iterator[Case]:
    def of(bad: Any, good: Any, says: str, name: str) -> Case:
        return of_type(name, {"schedule": bad}, {"schedule": good}, says)

    zone = 'timeZone must be an IANA time zone, such as "Europe/Berlin"'
    yield of(..., NIGHTLY, "spec.schedule: Required value", "no schedule")
    yield of({}, NIGHTLY, "add interval", "neither interval nor cron")
    yield of(FIVE_MINUTES | NIGHTLY, FIVE_MINUTES, "remove interval or cron", "interval and cron")
    yield of(
        FIVE_MINUTES | {"timeZone": "UTC"},
        NIGHTLY | {"timeZone": "UTC"},
        "remove timeZone: an interval",
        "zone alone",
    )
    for bad, good, says in CRON_LINES:
        yield of({"cron": bad}, {"cron": good}, says, f"cron {bad[:24]}")
    too_long = "0" * 121 + " 2 * * *"
    yield of({"cron": too_long}, {"cron": "0" * 119 + " 2 * * *"}, "Too long", "cron of 129 characters")
    for bad, good in [
        ("Mars/Base", "America/Port-au-Prince"),
        ("+01:00", "Etc/GMT+1"),
        ("../UTC", "UTC"),
        ("", "Europe/Berlin"),
        ("BST", "Europe/London"),
        ("CET+1", "CET"),
        ("pdt", "PST8PDT"),
    ]:
        says = zone.replace("Europe/Berlin", ZONES_MEANT.get(bad, "Europe/Berlin"))
        yield of(NIGHTLY | {"timeZone": bad}, NIGHTLY | {"timeZone": good}, says, f"time zone '{bad}'")
    yield of(NIGHTLY | {"timeZone": "A" * 65}, NIGHTLY, "Too long", "time zone of 65 characters")
    yield of_type(
        "a window longer", {"window": "6m"}, {"window": "5m"}, "window must be at most the interval, 5m"
    )


def intervals() -> Iterator[Case]:
    def of(bad: Any, says: str, name: str) -> Case:
        return of_type(name, {"schedule": bad}, {"schedule": tiers}, says)

    tiers = FIVE_MINUTES | {"intervals": ["1m", "1h"]}
    many = [f"{minutes}m" for minutes in range(10, 31)]
    yield of(NIGHTLY | {"intervals": ["1m"]}, "remove intervals: only a schedule", "intervals and cron")
    for listed, says, name in [
        (["60s", "1m"], "intervals must name each length once", "an interval twice"),
        (["300s"], "intervals must name other lengths", "the interval among the intervals"),
        (["1500ms"], "intervals must be whole seconds", "an interval of half a second"),
        (["often"], 'intervals must be a duration such as "5m" or "1h30m"', "an interval in words"),
        (["99999h60m"], "intervals must be at most 99999h59m59s999ms", "an interval of centuries"),
        (many, "Too many", "21 intervals"),
    ]:
        yield of(FIVE_MINUTES | {"intervals": listed}, says, name)


def durations() -> Iterator[Case]:
    form = 'must be a duration such as "5m" or "1h30m"'
    longest = "99999h59m59s999ms"
    places: dict[str, Any] = {
        "interval": lambda text: {"schedule": {"interval": text}},
        "window": lambda text: {"schedule": NIGHTLY, "window": text},
        "timeout": lambda text: {"timeout": text},
        "startingDeadline": lambda text: {"startingDeadline": text},
        "retrySuspendedAfter": lambda text: {"suspendAfter": 20, "retrySuspendedAfter": text},
        "minBackoff": lambda text: {"retry": {"minBackoff": text, "maxBackoff": "99999h"}},
        "maxBackoff": lambda text: {"retry": {"minBackoff": "1ms", "maxBackoff": text}},
    }
    for field, at in places.items():
        yield of_type(f"{field} in words", at("5 minutes"), at("5m"), f"{field} {form}")
        yield of_type(f"{field} of five parts", at("1s1s1s1s1s"), at("1s1s1s1s"), f"{field} {form}")
        yield of_type(f"{field} without text", at(""), at("1s"), f"{field} {form}")
        yield of_type(f"{field} as a number", at(300), at("300s"), f"{field}: Invalid value")
        too_long = "99999h1h" if field == "minBackoff" else "99999h60m"
        whole = "99998h" if field == "minBackoff" else "99999h59m59s"
        yield of_type(f"{field} of centuries", at(too_long), at(whole), f"{field} must be at most {longest}")
        yield of_type(f"{field} of 33 characters", at("1" * 32 + "s"), at("1s"), "Too long")
        if field in ("interval", "window"):
            yield of_type(f"{field} below a second", at("999ms"), at("1000ms"), f"{field} must be whole sec")
            yield of_type(f"{field} and a half", at("1s500ms"), at("2s"), f"{field} must be whole seconds")
        else:
            yield of_type(
                f"{field} of nothing", at("0s"), at("1ms"), f"{field} must be a duration above zero"
            )
