"""Which basis each category has, by where a visitor is."""

import pytest

from gatekeeper.consent.category import DEFAULT_CATEGORIES, Basis, Category, Vocabulary
from gatekeeper.consent.region import AS_WRITTEN, PROFILES, STRICTEST, Region, Regions

REQUIRED, IN, OUT = Basis.REQUIRED, Basis.OPT_IN, Basis.OPT_OUT
OWN = (
    Category("needed", REQUIRED),
    Category("statistics", OUT, gpc=False),
    Category("ads", OUT, gpc=False),
    Category("preferences", OUT, gpc=True),
    Category("audience", OUT),
)


def there(region: Region, categories: tuple[Category, ...] = OWN) -> tuple[Category, ...]:
    return region.categories(categories, Vocabulary(categories))


def bases(region: Region, categories: tuple[Category, ...] = OWN) -> list[Basis]:
    return [category.basis for category in there(region, categories)]


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ("eu", [REQUIRED, IN, IN, IN, IN]),
        ("fr", [REQUIRED, IN, IN, IN, IN]),
        ("uk", [REQUIRED, OUT, IN, IN, IN]),
        ("us-ca", [REQUIRED, OUT, OUT, OUT, OUT]),
        (AS_WRITTEN, [REQUIRED, OUT, OUT, OUT, OUT]),
    ],
)
def test_a_profile_decides_on_every_category_that_can_be_refused(profile: str, expected: list[Basis]) -> None:
    assert bases(Region("x", (), profile)) == expected


def test_the_strictest_profile_is_the_one_for_everybody_else() -> None:
    assert Regions().elsewhere == Region("elsewhere", (), STRICTEST)
    for profile in PROFILES:
        for strict, other in zip(bases(Regions().elsewhere), bases(Region("x", (), profile)), strict=True):
            assert strict in (REQUIRED, IN)
            assert other is REQUIRED if strict is REQUIRED else other is not REQUIRED


def test_the_operators_word_outweighs_the_profile_but_for_what_is_required_or_unknown() -> None:
    region = Region("x", (), "eu", (("ads", OUT), ("needed", OUT), ("nothing", OUT)))
    assert bases(region) == [REQUIRED, IN, OUT, IN, IN]


@pytest.mark.parametrize("profile", set(PROFILES) - {"us-ca"})
def test_a_profile_leaves_it_to_the_file_what_the_signal_speaks_about(profile: str) -> None:
    assert [one.gpc for one in there(Region("x", (), profile))] == [one.gpc for one in OWN]


def test_in_california_the_signal_speaks_about_all_but_how_one_likes_to_use_the_site() -> None:
    assert [one.gpc for one in there(Region("x", (), "us-ca"))] == [False, True, True, False, True]
    assert [one.gpc for one in there(Region("x", (), "us-ca"), DEFAULT_CATEGORIES)] == [False, False, True, True]


def test_a_profile_whose_category_the_operator_does_not_have_says_nothing_of_it() -> None:
    few = (Category("needed", REQUIRED), Category("other"))
    assert bases(Region("x", (), "uk"), few) == [REQUIRED, IN]


def test_in_france_what_is_exempt_has_its_limits_and_nothing_else_has() -> None:
    region = Region("x", (), "fr", (("audience", OUT),))
    assert [(one.max_age, one.renew) for one in there(region)] == [(None, True)] * 4 + [(34_187_400, False)]
    for profile in set(PROFILES) - {"fr"}:
        assert all(one.max_age is None and one.renew for one in there(Region("x", (), profile, (("audience", OUT),))))


def test_titles_and_order_stay() -> None:
    for profile in PROFILES:
        for before, after in zip(DEFAULT_CATEGORIES, there(Region("x", (), profile), DEFAULT_CATEGORIES), strict=True):
            assert (before.id, before.title, before.description) == (after.id, after.title, after.description)


REGIONS = Regions(
    "CF-IPCountry", "CF-Region-Code", "eu", (Region("california", ("US-CA",)), Region("america", ("US", "PR")))
)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("california", "california"),
        ("elsewhere", "elsewhere"),
        ("US-CA", "california"),
        ("us-ca", "california"),
        ("US-TX", "america"),
        ("pr", "america"),
        ("FR", None),
        ("", None),
        ("California", None),
    ],
)
def test_a_region_is_found_by_its_name_or_a_value(text: str, name: str | None) -> None:
    found = REGIONS.named(text)
    assert (found.name if found else None) == name


def test_the_fields_that_tell_it() -> None:
    assert REGIONS.fields == {b"cf-ipcountry", b"cf-region-code"}
    assert Regions("X-Country").fields == {b"x-country"}
    assert Regions().fields == frozenset()
