"""Octet classes and limits of RFC 6265bis, with the section that each comes from."""

import re

# Section 5.6: attribute names, and white space trimmed from names and values: SP and HTAB only. Python's own
# bytes.strip() also takes VT, FF, CR and LF, which browsers do not.
WSP = b" \t"

# Section 5.6 step 1: any of these in a set-cookie-string makes the user agent ignore all of it. HTAB is not among them.
CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")

# Section 5.6 step 5: "If the sum of the lengths of the name string and the value string is more than 4096 octets".
MAX_NAME_VALUE = 4096

# Section 5.6 step 6 of the attribute loop: "If the attribute-value is longer than 1024 octets, ignore the cookie-av".
MAX_ATTRIBUTE_VALUE = 1024

# Section 5.5: "user agents SHOULD set [the limit of a cookie's age] to 400 days"; seconds.
BROWSER_MAX_AGE = 400 * 86400

# Section 4.1.1: cookie-octet; what a server may put in a value without any parser stumbling.
COOKIE_OCTETS = re.compile(rb"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*")
