"""The commented file that ``gatekeeper init`` writes."""

_TEXT = """# Gatekeeper: which cookie belongs to which category. Check it with: gatekeeper check FILE
# Every key and its default is described in docs/configuration.md.

# Rule sets that Gatekeeper ships (gatekeeper init --list). A rule of this file outweighs a preset's.
presets = [{presets}]

[server]
listen = "127.0.0.1:8080"

[upstream]
url = "http://127.0.0.1:8000"        # the app

[consent]
cookie = "cookies_preferences"       # the cookie in which the site's banner keeps the visitor's choice

[enforcement]
mode = "report-only"                 # logs what would happen and changes nothing; then: "enforce"
unlisted = "block"                   # a cookie that no rule names

# One table for each cookie of the site. The log shows the names that no rule knows.
#
# [[cookie]]
# name = "sessionid"                 # exact, or with * and ?
# category = "necessary"             # necessary, functional, analytics or marketing
# function = "Signing in"
# purpose = "Remembers the visitor from one page to another."
"""


def starter_file(presets: tuple[str, ...]) -> str:
    """The file's text, beginning with these presets."""
    return _TEXT.format(presets=", ".join(f'"{name}"' for name in presets))
