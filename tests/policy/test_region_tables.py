"""The tables [regions] and [[region]]: what is read, and what is wrong with them."""

import tomllib

import pytest

from gatekeeper.consent.category import Basis
from gatekeeper.consent.region import Region, Regions
from gatekeeper.policy.document import Policy
from gatekeeper.policy.load import load_policy_tables
from gatekeeper.policy.schema import PolicyError

FIELD = '[regions]\nfield = "X-Country"\n'
HOME = '[[region]]\nname = "home"\nvalues = ["FR"]\n'


def load(toml: str) -> Policy:
    return load_policy_tables(tomllib.loads(toml), {})


def problems(toml: str) -> list[str]:
    with pytest.raises(PolicyError) as told:
        load(toml)
    return [str(problem) for problem in told.value.problems]


def test_a_file_without_regions_has_none() -> None:
    policy = load("")
    assert policy.regions is None
    assert policy.within() is policy


def test_what_is_read() -> None:
    policy = load(
        """
        [regions]
        field = "CF-IPCountry"
        subdivision = "CF-Region-Code"
        default = "fr"

        [[region]]
        name = "Great Britain"
        values = ["gb", "GB-SCT"]
        profile = "uk"
        basis = { marketing = "opt-out" }

        [[region]]
        name = "home"
        values = ["CH"]
        """
    )
    assert policy.regions == Regions(
        "CF-IPCountry",
        "CF-Region-Code",
        "fr",
        (
            Region("Great Britain", ("GB", "GB-SCT"), "uk", (("marketing", Basis.OPT_OUT),)),
            Region("home", ("CH",), "as-written", ()),
        ),
    )
    here = policy.within(policy.regions.regions[0])
    assert here.regions is None
    assert [one.basis.value for one in here.categories] == ["required", "opt-in", "opt-out", "opt-out"]
    assert [one.basis.value for one in policy.within().categories] == ["required", "opt-in", "opt-in", "opt-in"]


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        (HOME, ['regions.field: is missing: which request field tells the region, such as "CF-IPCountry"']),
        (FIELD, ["regions: chooses nothing without a [[region]]"]),
        (
            FIELD + "[[region]]\n",
            ["region[0].name: is missing", 'region[0].values: is missing: what the field says there, such as ["FR"]'],
        ),
        (
            FIELD.replace("X-Country", "X_Country") + HOME,
            ['regions.field: "X_Country" is no field-name of letters, digits and hyphens'],
        ),
        (FIELD.replace("X-Country", "") + HOME, ["regions.field: must not be empty"]),
        (FIELD.replace("X-Country", "Cookie") + HOME, ['regions.field: "Cookie" says something else']),
        (
            FIELD.replace("X-Country", "X-Forwarded-Country") + HOME,
            ['regions.field: "X-Forwarded-Country" says something else'],
        ),
        (FIELD + 'subdivision = "x-country"\n' + HOME, ["regions.subdivision: is the same as field"]),
        (
            FIELD + 'default = "us"\n' + HOME,
            ['regions.default: "us" is not one of "eu", "fr", "uk", "us-ca", "as-written"'],
        ),
        (FIELD + "fields = 1\n" + HOME, ['regions.fields: unknown key; did you mean "field"?']),
        (FIELD + HOME + "x = 1\n", ["region[0].x: unknown key"]),
        (FIELD + HOME + HOME.replace("FR", "DE"), ['region[1].name: "home" is a region already']),
        (FIELD + HOME.replace("home", "elsewhere"), ['region[0].name: "elsewhere" is a region already']),
        (FIELD + HOME.replace("home", "a\\nb"), ["region[0].name: must be a short printable word"]),
        (FIELD + HOME.replace("home", "x" * 65), ["region[0].name: must be a short printable word"]),
        (FIELD + HOME.replace("home", " x"), ["region[0].name: must be a short printable word"]),
        (
            FIELD + HOME + HOME.replace("home", "other").replace("FR", "fr"),
            ['region[1].values[0]: "FR" is in the region "home" already'],
        ),
        (
            FIELD + HOME.replace('["FR"]', '["FR, DE"]'),
            ['region[0].values[0]: "FR, DE" can be no value; write a code such as FR or US-CA'],
        ),
        (FIELD + HOME.replace('["FR"]', "[1]"), ["region[0].values[0]: must be text, not a whole number (1)"]),
        (
            FIELD + HOME + 'profile = "france"\n',
            ['region[0].profile: "france" is not one of "eu", "fr", "uk", "us-ca", "as-written"'],
        ),
        (
            FIELD + HOME + 'basis = { statistics = "opt-out" }\n',
            ['region[0].basis.statistics: "statistics" is no category; did you mean "analytics"?'],
        ),
        (
            FIELD + HOME + 'basis = { analytics = "required" }\n',
            ['region[0].basis.analytics: "required" is not "opt-in" or "opt-out"'],
        ),
        (
            FIELD + HOME + 'basis = { necessary = "opt-in" }\n',
            ["region[0].basis.necessary: is required, and that everywhere"],
        ),
    ],
)
def test_what_is_wrong_is_told(toml: str, told: list[str]) -> None:
    assert problems(toml) == told
