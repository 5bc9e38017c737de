"""What runs by itself keeps its local time across the changes of the clock, and its Tuesdays."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from prefect.schedules import Schedule
from prefect.server.schemas.schedules import CronSchedule, RRuleSchedule

from flows.errors import SettingsWrong
from flows.schedules import SCHEDULED, every_night, every_other_tuesday, next_night, next_redeploy
from flows.settings import Instance, read_instance

ZONES = ["Europe/London", "America/New_York"]
FROM = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
DAYS = 2 * 365


def instance(zone: str, **other: Any) -> Instance:
    return Instance(time_zone=ZoneInfo(zone), **other)


def dates(schedule: Schedule, count: int) -> list[dt.datetime]:
    """What Prefect's server makes of a schedule."""
    kind = {"rrule": schedule.rrule} if schedule.rrule else {"cron": schedule.cron}
    made = (RRuleSchedule if schedule.rrule else CronSchedule)(**kind, timezone=schedule.timezone)
    return asyncio.run(made.get_dates(count, start=FROM))


def local(moments: list[dt.datetime], zone: str) -> list[dt.datetime]:
    return [moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for moment in moments]


@pytest.mark.parametrize("zone", ZONES)
def test_every_night_of_two_years_starts_at_its_local_time(zone: str) -> None:
    moments = dates(every_night(instance(zone)), DAYS)
    first = local(moments, zone)[0]
    assert first.time() == dt.time(22)
    assert local(moments, zone) == [first + dt.timedelta(days=n) for n in range(DAYS)]
    # The clock was changed four times: in UTC the nights are at two different hours.
    assert len({moment.astimezone(dt.UTC).hour for moment in moments}) == 2


@pytest.mark.parametrize("zone", ZONES)
def test_every_other_tuesday_stays_one_at_its_local_time(zone: str) -> None:
    moments = dates(every_other_tuesday(instance(zone)), 53)
    first = dt.datetime(2026, 1, 6, 15)
    assert local(moments, zone) == [first + dt.timedelta(days=14 * n) for n in range(53)]
    assert local(moments, zone)[-1].year == 2028
    assert len({moment.astimezone(dt.UTC).hour for moment in moments}) == 2


@pytest.mark.parametrize("zone", ZONES)
def test_what_is_told_of_the_next_times_is_what_prefect_makes_of_them(zone: str) -> None:
    ours = instance(zone, nightly_at=dt.time(23, 15), redeploy_at=dt.time(9, 30))
    night = tuesday = FROM.astimezone(ours.time_zone)
    told = [(night := next_night(ours, night)) for _ in range(DAYS)]
    assert told == dates(every_night(ours), DAYS)
    told = [(tuesday := next_redeploy(ours, tuesday)) for _ in range(53)]
    assert told == dates(every_other_tuesday(ours), 53)


def test_the_first_tuesday_decides_which_tuesdays() -> None:
    other = instance("Europe/London", redeploy_from=dt.date(2026, 1, 13))
    assert dates(every_other_tuesday(other), 1)[0].date() == dt.date(2026, 1, 13)


def test_a_zone_east_of_ours_gets_its_own_tuesday() -> None:
    late = dt.datetime(2026, 1, 6, 7, tzinfo=dt.UTC)  # 20:00 in Auckland: over
    assert next_redeploy(instance("Pacific/Auckland"), late).date() == dt.date(2026, 1, 20)


def test_each_scheduled_flow_has_a_name_of_its_own_and_a_time() -> None:
    assert len({each.name for each in SCHEDULED}) == len(SCHEDULED)
    for each in SCHEDULED:
        assert each.when(instance("Europe/London")).timezone == "Europe/London"
    assert next(each for each in SCHEDULED if each.name == "nightly").is_here


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("SCV_REDEPLOY_FROM", "2026-01-07", "2026-01-07 is a Wednesday"),
        ("SCV_NIGHTLY_AT", "22", "SCV_NIGHTLY_AT is not usable"),
        ("SCV_NIGHTLY_AT", "25:00", "SCV_NIGHTLY_AT is not usable"),
        ("SCV_REDEPLOY_AT", "15:00:30", "written like 22:00"),
        ("SCV_REDEPLOY_CLOSES", "14:00", "later than SCV_REDEPLOY_AT, which is 15:00"),
        ("SCV_SERVE_PORT", "80", "SCV_SERVE_PORT is not usable"),
    ],
)
def test_a_time_that_cannot_be_is_refused_with_a_sentence(
    name: str, text: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, text)
    read_instance.cache_clear()
    with pytest.raises(SettingsWrong, match=reason):
        read_instance()
    read_instance.cache_clear()


def test_addresses_for_notices_are_told_apart_by_spaces_and_never_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SCV_NOTIFY", "json://127.0.0.1/a  mailto://ann:hush-hush@mail.example")
    told = Instance()
    assert [each.get_secret_value() for each in told.notify] == [
        "json://127.0.0.1/a",
        "mailto://ann:hush-hush@mail.example",
    ]
    assert "hush-hush" not in repr(told)
