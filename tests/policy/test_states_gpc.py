"""Whether a site may say that it abides by Sec-GPC."""

import tomllib

import pytest

from gatekeeper.policy.load import load_policy_tables

DEAF = """
[[category]]
id = "necessary"
basis = "required"
[[category]]
id = "statistics"
"""
CALIFORNIA = """
[regions]
field = "X-Country"
[[region]]
name = "California"
values = ["US-CA"]
profile = "us-ca"
"""


@pytest.mark.parametrize(
    ("toml", "states"),
    [
        ("", True),
        ('[consent]\ngpc = "strict"', True),
        ("[consent]\ngpc = false", False),
        ("[consent]\ngpc_json = false", False),
        ('[enforcement]\nmode = "report-only"', False),
        ('[enforcement]\nmode = "off"', False),
        (DEAF, False),
        (DEAF + "gpc = true", True),
        (DEAF + CALIFORNIA, True),
        (DEAF + CALIFORNIA.replace("us-ca", "eu"), False),
    ],
)
def test_a_site_says_it_only_where_it_is_true(toml: str, states: bool) -> None:
    assert load_policy_tables(tomllib.loads(toml), {}).states_gpc is states
