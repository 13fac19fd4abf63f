"""Names of time zones: what a setting or a partner's record may name."""

from __future__ import annotations

from zoneinfo import ZoneInfo

__all__ = ["TIME_ZONE_EXPECTED", "is_time_zone"]

TIME_ZONE_EXPECTED = "a time zone of the IANA database, such as Europe/Brussels"


def is_time_zone(name: str) -> bool:
    """Whether the time zone database (the system's, else that of the package tzdata) has a zone of this name."""
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # a folder of the database, no name of a zone, not in it
        return False
    return True
