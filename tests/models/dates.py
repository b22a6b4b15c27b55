"""The three readings of an Expires date: RFC 6265bis section 5.1.1, Chromium's, and Firefox's (NSPR).

Each takes the octets of the attribute-value and gives seconds since 1970 in UTC, or None where it finds no date. They
disagree. Firefox needs no time of day and no existing date (31 February is 3 March, 24:00:00 tomorrow), and heeds
time zones. Chromium sorts a token by its first octet and its length alone, and reads years of one to five digits.
"""

import re
from calendar import monthrange

_MONTHS = (b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec")
_DAYS_BEFORE = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)
_DAY = 86400


def _midnight(year: int, month: int, day: int) -> int:
    """Seconds since 1970 of a day of the proleptic Gregorian calendar; months and days out of range carry over."""
    year, month = year + (month - 1) // 12, (month - 1) % 12
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    past = year - 1
    days = past * 365 + past // 4 - past // 100 + past // 400 + _DAYS_BEFORE[month] + (leap and month > 1) + day
    return (days - 719163) * _DAY


def _exists(year: int, month: int, day: int) -> bool:
    return 1 <= day <= monthrange(2000 + year % 400, month)[1]


# --- RFC 6265bis section 5.1.1 -------------------------------------------------------------------------------------

# delimiter = %x09 / %x20-2F / %x3B-40 / %x5B-60 / %x7B-7E
_TOKEN = re.compile(rb"[^\x09\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+")
# time = 1*2DIGIT ":" 1*2DIGIT ":" 1*2DIGIT [ non-digit *OCTET ]; day-of-month = 1*2DIGIT [ … ]; year = 2*4DIGIT [ … ]
_TIME = re.compile(rb"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?![0-9])")
_DAY_OF_MONTH = re.compile(rb"([0-9]{1,2})(?![0-9])")
_YEAR = re.compile(rb"([0-9]{2,4})(?![0-9])")


def _full_year(year: int) -> int:
    return year + 1900 if 70 <= year <= 99 else year + 2000 if 0 <= year <= 69 else year


def _seconds(year: int, month: int, day: int, clock: tuple[int, ...]) -> float | None:
    """What both strict readers end with: every field within its range, and a day that exists."""
    hour, minute, second = clock
    if hour > 23 or minute > 59 or second > 59 or not _exists(year, month, day):
        return None
    return _midnight(year, month, day) + hour * 3600 + minute * 60 + second


def rfc6265bis(text: bytes) -> float | None:
    """RFC 6265bis section 5.1.1."""
    clock: tuple[int, ...] | None = None
    day = month = year = None
    for token in _TOKEN.findall(text):
        if clock is None and (found := _TIME.match(token)):
            clock = tuple(map(int, found.groups()))
        elif day is None and (found := _DAY_OF_MONTH.match(token)):
            day = int(found[1])
        elif month is None and token[:3].lower() in _MONTHS:
            month = _MONTHS.index(token[:3].lower()) + 1
        elif year is None and (found := _YEAR.match(token)):
            year = _full_year(int(found[1]))
    if clock is None or day is None or month is None or year is None or year < 1601:
        return None
    return _seconds(year, month, day, clock)


# --- Chromium ------------------------------------------------------------------------------------------------------

_CHROMIUM_TIME = re.compile(rb"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})")
_LEADING_DIGITS = re.compile(rb"[0-9]*")


def chromium(text: bytes) -> float | None:
    """Chromium: the standard's tokens, sorted by their first octet; what follows the digits is not looked at."""
    clock: tuple[int, ...] | None = None
    day = month = year = None
    for token in _TOKEN.findall(text):
        if not token[:1].isdigit():
            if month is None and token[:3].lower() in _MONTHS:
                month = _MONTHS.index(token[:3].lower()) + 1
        elif b":" in token:
            if clock is None and (found := _CHROMIUM_TIME.match(token)):
                clock = tuple(map(int, found.groups()))
        elif day is None and len(token) <= 2:
            day = _number(token)
        elif year is None and len(token) <= 5:
            year = _full_year(_number(token))
    if clock is None or day is None or month is None or year is None:
        return None
    return _seconds(year, month, day, clock)


def _number(token: bytes) -> int:
    found = _LEADING_DIGITS.match(token)
    return int(found[0]) if found and found[0] else 0


# --- Firefox -------------------------------------------------------------------------------------------------------

# minutes east of Greenwich, summer time included
_ZONES = {
    b"pst": -480, b"pdt": -420, b"mst": -420, b"mdt": -360, b"cst": -360, b"cdt": -300, b"est": -300, b"edt": -240,
    b"ast": -240, b"nst": -210, b"gmt": 0, b"bst": 60, b"met": 60, b"eet": 120, b"jst": 540,
}  # fmt: skip
_TOKEN_END = re.compile(rb"[^ \t,;\-+/()\[\]]*")
_BETWEEN_TOKENS = re.compile(rb"[ \t,;/()\[\]]*")
_DIGITS = re.compile(rb"[0-9]*")
_NUMERIC_DATE = re.compile(rb"([0-9]{1,2})[/-]([0-9]{1,2})[/-]([0-9]{4,5}|[0-9]{1,2})(?![0-9A-Za-z])")
_MERIDIEM = re.compile(rb"[ \t]*([ap])m", re.IGNORECASE)


class _Nspr:
    """NSPR's reader of dates: one pass, each token by its first octet, anything it does not know is skipped."""

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.at = 0
        self.year: int | None = None
        self.month: int | None = None
        self.day: int | None = None
        self.clock: int | None = None  # seconds of the day
        self.zone: int | None = None
        self.offset: int | None = None

    def seconds(self) -> float | None:
        while self.at < len(self.text):
            self._token()
            self._skip()
        if self.year is None or self.month is None or self.day is None or self.year > 32767:
            return None
        zone = self.offset if self.offset is not None else self.zone or 0
        return _midnight(self.year, self.month, self.day) + (self.clock or 0) - zone * 60

    def _token(self) -> None:
        first = self.text[self.at : self.at + 1]
        if first in (b"+", b"-"):
            self._zone_offset(1 if first == b"+" else -1)
        elif first.isdigit():
            self._digits()
        else:
            self._word(self.text[self.at : self.at + 3].lower())

    def _skip(self) -> None:
        """To the next token. A `-` before letters is a separator, one after letters too until the year is known."""
        self.at = _end(_TOKEN_END, self.text, self.at)
        self.at = _end(_BETWEEN_TOKENS, self.text, self.at)
        while self.text[self.at : self.at + 1] == b"-":
            after_word = self.at > 0 and self.text[self.at - 1 : self.at].isalpha() and self.year is None
            if not after_word and self.text[self.at + 1 : self.at + 2].isdigit():
                return
            self.at = _end(_BETWEEN_TOKENS, self.text, self.at + 1)

    def _word(self, word: bytes) -> None:
        if self.month is None and word in _MONTHS:
            self.month = _MONTHS.index(word) + 1
        elif self.zone is None and word in _ZONES:
            self.zone = _ZONES[word]
        elif self.zone is None and word[:2] == b"ut" and not word[2:].isalpha():
            self.zone = 0

    def _zone_offset(self, sign: int) -> None:
        self.at += 1
        if self.offset is not None or self.zone:
            return
        digits = self.text[self.at : _end(_DIGITS, self.text, self.at)]
        if len(digits) == 4:
            self.offset = sign * (int(digits[:2]) * 60 + int(digits[2:]))
        elif len(digits) in (1, 2):
            self.offset = sign * int(digits) * 60
        self.zone = 0 if self.offset is not None else self.zone

    def _digits(self) -> None:
        end = _end(_DIGITS, self.text, self.at)
        after = self.text[end : end + 1]
        if after == b":":
            self._time(end)
        elif after in (b"/", b"-") and self.text[end + 1 : end + 2].isdigit():
            self._date()
        elif not after.isalpha():
            self._lone_number(self.text[self.at : end])

    def _time(self, colon: int) -> None:
        if self.clock is not None or colon - self.at > 2:
            return
        hour = int(self.text[self.at : colon])
        self.at = colon + 1
        end = _end(_DIGITS, self.text, self.at)
        if not 1 <= end - self.at <= 2:
            return
        minute = int(self.text[self.at : end])
        self.at = end + (self.text[end : end + 1] == b":")
        end = _end(_DIGITS, self.text, self.at)
        if end - self.at > 2:
            return
        # without digits the reader takes the octet it stands on for one
        second = int(self.text[self.at : end]) if end > self.at else (self.text + b"\0")[self.at] - 48
        if hour <= 12 and (found := _MERIDIEM.match(self.text, end)):
            hour = hour % 12 + 12 if found[1] in b"pP" else hour % 12 if hour == 12 else hour
        self.clock, self.at = hour * 3600 + minute * 60 + second, end

    def _date(self) -> None:
        """6/16/95, 16-6-95, 95-06-05."""
        found = _NUMERIC_DATE.match(self.text, self.at)
        if self.month is not None or not found:
            return
        first, second, third = map(int, found.groups())
        if first > 31 or first == 0:
            if second > 12 or third > 31:
                return
            self.year, self.month, self.day = _full_year(first), second, third
        elif first <= 12:
            self.year, self.month, self.day = _full_year(third), first, second
        elif second <= 12:
            self.year, self.month, self.day = _full_year(third), second, first
        self.at = found.end()

    def _lone_number(self, digits: bytes) -> None:
        number = int(digits) if len(digits) <= 5 else 0
        if len(digits) in (4, 5):
            self.year = number if self.year is None else self.year
        elif len(digits) == 2 and self.day is None and number < 32:
            self.day = number
        elif len(digits) == 2 and self.year is None:
            self.year = _full_year(number)
        elif len(digits) == 1 and self.day is None:
            self.day = number


def _end(pattern: re.Pattern[bytes], text: bytes, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def firefox(text: bytes) -> float | None:
    """Firefox: NSPR, with GMT where the text names no zone."""
    return _Nspr(text.split(b"\0", 1)[0]).seconds()
