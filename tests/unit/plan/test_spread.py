"""Names of classes and places in a window."""

import pytest

from taskqueue.models.values import Schedule
from taskqueue.plan.spread import GOLDEN, offset_ms, spread_class, stride


@pytest.mark.parametrize(
    ("schedule", "name"),
    [
        (Schedule(interval_s=300), "i300/300"),
        (Schedule(interval_s=300, window_s=300), "i300/300"),
        (Schedule(interval_s=300, window_s=60), "i300/60"),
        (Schedule(interval_s=300, time_zone="Asia/Tokyo"), "i300/300"),
        (Schedule(cron=" 0  2 * * mon"), "c0 2 * * MON@user/3600"),
        (
            Schedule(cron="0 2 * * *", time_zone="Europe/Berlin", window_s=7200),
            "c0 2 * * *@Europe/Berlin/7200",
        ),
    ],
)
def test_types_with_the_same_schedule_share_a_class(schedule: Schedule, name: str) -> None:
    assert spread_class(schedule).name == name


def test_strides_of_common_windows() -> None:
    common = (1, 2, 3, 4, 60, 300, 3_600, 86_400)
    assert [stride(w) for w in common] == [1, 1, 2, 3, 37, 187, 2_227, 53_399]


@pytest.mark.parametrize("w", [1, 60, 300, 3_600, 86_400])
@pytest.mark.parametrize("k", [0, 1, 59, 60, 61, 299, 3_601, 999_999])
def test_offsets_equal_the_scripts_double_arithmetic(k: int, w: int) -> None:
    # Lua 5.1 has doubles only, and its % is x - floor(x / y) * y.
    def remainder(x: float, y: float) -> float:
        return x - (x // y) * y

    x = float(k // w) * GOLDEN
    assert offset_ms(k, w) == remainder(float(k) * stride(w), float(w)) * 1000 + remainder(x, 1.0) * 1000 // 1
