"""Times: seconds since 1970 in the database, ISO 8601 in UTC outside of it, hours of the local day."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from plate_ocr.errors import DataError

DAY_MINUTES = 24 * 60

_HOURS = re.compile(r"(\d{1,2})(?::(\d\d))?-(\d{1,2})(?::(\d\d))?")


def to_iso(seconds: float) -> str:
    """A time as ``2026-11-26T03:00:00.123Z``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_iso(text: str, zone: tzinfo | None) -> float:
    """Seconds since 1970 of a date or a time.

    Args:
        text: ISO 8601, or seconds since 1970.
        zone: of a text that names none; None: the system's.

    Raises:
        DataError: if it is none.
    """
    try:
        if re.fullmatch(r"\d+(\.\d*)?", text):
            return datetime.fromtimestamp(float(text), UTC).timestamp()
        # A + in an address is a space.
        time = datetime.fromisoformat(text.strip().replace(" +", "+"))
        return (time if time.tzinfo else time.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError, OSError):
        raise DataError(f"{text!r} is no time: write it as 2026-11-26T03:00:00Z or 2026-11-26") from None


def local_zone(name: str | None) -> tzinfo | None:
    """A time zone by its name, as ``Europe/Rome``; None, which is the system's own, without one.

    Raises:
        DataError: if it is unknown.
    """
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise DataError(f"the time zone {name} is unknown: name it as Europe/Rome") from None


def local_minute(seconds: float, zone: tzinfo | None) -> int:
    """The minute of the local day, 0 to 1439; a zone of None is the system's."""
    time = datetime.fromtimestamp(seconds, zone)
    return 60 * time.hour + time.minute


def parse_hours(text: str) -> tuple[int, int] | None:
    """Minutes of the local day of hours such as ``22:00-06:30`` or ``22-6``; None where they are empty.

    Raises:
        DataError: if they are none.
    """
    if not text:
        return None
    if match := _HOURS.fullmatch(text.replace(" ", "")):
        first, last = (60 * int(match[i]) + int(match[i + 1] or 0) for i in (1, 3))
        if first < DAY_MINUTES and last <= DAY_MINUTES and first != last:
            return first, last % DAY_MINUTES
    raise DataError(f"{text!r} are no hours: write them as 22:00-06:30")


def within_hours(minute: int, hours: tuple[int, int] | None) -> bool:
    """Whether a minute of the day is within hours, which may pass midnight."""
    if hours is None:
        return True
    first, last = hours
    return first <= minute < last if first < last else minute >= first or minute < last
