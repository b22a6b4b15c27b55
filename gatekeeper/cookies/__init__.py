"""RFC 6265bis on octets: total functions, no decoding, no clock, no opinion on consent.

Section numbers are those of RFC 6265bis (draft-ietf-httpbis-rfc6265bis). Where browsers are known to differ from it or
from one another, the module that meets the difference says so; the differences were observed in Chromium 156 and
Firefox 153.
"""
