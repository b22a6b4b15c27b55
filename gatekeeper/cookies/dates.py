"""cookie-date (RFC 6265bis section 5.1.1), and the narrower grammar on which all browsers agree.

Browsers take more shapes than the standard, and not the same ones: Firefox reads a date without seconds and 31
February, Chromium reads the year 1600. :func:`parse_cookie_date` follows the standard. :func:`agreed_cookie_date` adds
what keeps them together, for callers that may act only on what every browser reads alike.
"""

import re
from datetime import UTC, datetime

# cookie-date = *delimiter date-token-list *delimiter
# delimiter   = %x09 / %x20-2F / %x3B-40 / %x5B-60 / %x7B-7E
_DELIMITERS = re.compile(rb"[\x09\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+")

# time          = hms-time [ non-digit *OCTET ];  hms-time = time-field ":" time-field ":" time-field
_TIME = re.compile(rb"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?![0-9])")
# day-of-month  = 1*2DIGIT [ non-digit *OCTET ]
_DAY = re.compile(rb"([0-9]{1,2})(?![0-9])")
# year          = 2*4DIGIT [ non-digit *OCTET ]
_YEAR = re.compile(rb"([0-9]{2,4})(?![0-9])")
_MONTHS = {
    name: number
    for number, name in enumerate(
        (b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"), start=1
    )
}

# The forms that servers send: IMF-fixdate, RFC 850 and the dashed one of Netscape, and asctime. In the weekday's place
# Firefox reads a time zone ("EST, 19 Nov…"), and it takes the year 0070 for what it says; 0001 is .NET's smallest date.
_AGREED = re.compile(
    rb"(?:(?i:(?:Sun|Mon|Tue|Wed|Thu|Fri|Sat)|(?:Sun|Mon|Tues|Wednes|Thurs|Fri|Satur)day),?[ ]+)?"
    rb"(?:[0-9]{1,2}[ -][A-Za-z]{3}[ -](?:[1-9][0-9]{3}|0001|[0-9]{2})[ ]+[0-9]{2}:[0-9]{2}:[0-9]{2}"
    rb"|[A-Za-z]{3}[ ]+[0-9]{1,2}[ ]+[0-9]{2}:[0-9]{2}:[0-9]{2}[ ]+[1-9][0-9]{3})"
    rb"(?:[ ]+(?:GMT|UTC))?"
)


def parse_cookie_date(text: bytes) -> int | None:
    """Seconds since the epoch (negative before 1970), or None where the algorithm of section 5.1.1 fails."""
    clock: tuple[int, int, int] | None = None
    day = month = year = None
    for token in _DELIMITERS.split(text):
        if clock is None and (found := _TIME.match(token)):
            clock = (int(found[1]), int(found[2]), int(found[3]))
        elif day is None and (found := _DAY.match(token)):
            day = int(found[1])
        elif month is None and token[:3].lower() in _MONTHS:
            month = _MONTHS[token[:3].lower()]
        elif year is None and (found := _YEAR.match(token)):
            year = int(found[1])
    if clock is None or day is None or month is None or year is None:
        return None
    if 70 <= year <= 99:
        year += 1900
    elif 0 <= year <= 69:
        year += 2000
    if year < 1601:
        return None
    try:
        moment = datetime(year, month, day, *clock, tzinfo=UTC)
    except ValueError:  # 31 February, hour 24, second 60
        return None
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())


def agreed_cookie_date(text: bytes) -> int | None:
    """As :func:`parse_cookie_date`, for the date forms alone that every browser is known to read alike."""
    return parse_cookie_date(text) if _AGREED.fullmatch(text) else None


def format_cookie_date(seconds: int) -> bytes:
    """IMF-fixdate (RFC 9110 section 5.6.7) of a moment in seconds since the epoch, held within years 1601 to 9999."""
    earliest, latest = -11644473600, 253402300799
    moment = datetime.fromtimestamp(min(max(seconds, earliest), latest), UTC)
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[moment.weekday()]
    month = tuple(_MONTHS)[moment.month - 1].decode().capitalize()
    return f"{day}, {moment:%d} {month} {moment.year:04d} {moment:%H:%M:%S} GMT".encode()
