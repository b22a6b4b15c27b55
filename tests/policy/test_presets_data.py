"""The rule data that ships: its shape, what it says about well-known cookies, and the reference policy word for word.

Only the TOML is read here, with nothing of Gatekeeper's own: a mistake in the loader cannot hide one in the data.
"""

import re
import tomllib
from collections import defaultdict
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PRESET_FILES = sorted((ROOT / "gatekeeper/policy/presets").glob("*.toml"))
PRESETS: dict[str, dict[str, Any]] = {path.stem: tomllib.loads(path.read_text("utf-8")) for path in PRESET_FILES}
RULES = [(preset, rule) for preset, document in PRESETS.items() for rule in document["cookie"]]

CATEGORIES = {"necessary", "functional", "analytics", "marketing"}
RULE_KEYS = {
    "name",
    "category",
    "function",
    "purpose",
    "provider",
    "party",
    "duration",
    "hosts",
    "paths",
    "on_refusal",
} | {
    "renew",
    "secure",
    "httponly",
    "samesite",
    "partitioned",
    "domain",
    "path",
}  # no max_age: a preset describes a lifetime, it does not cap one
DURATION = re.compile(r"session|[1-9][0-9]*(s|m|h|d|mo)")

# Names that contain the app's own name, so that no narrower pattern fits every app.
NAMED_AFTER_THE_APP = {"_*_session", "_*_key", "_*_web_user_remember_me"}
SHORTEST_PREFIX = 4

EXPECTED_PRESETS = {
    "framework": """
        django flask starlette rails laravel php symfony wordpress woocommerce drupal mediawiki typo3 magento java
        aspnet express nextjs phoenix keycloak discourse
    """,
    "infrastructure": """
        cloudflare aws azure gcp haproxy nginx-sticky apache f5 akamai imperva datadome human-security
    """,
    "tracker": """
        google-analytics google-ads meta linkedin tiktok microsoft hotjar matomo hubspot mixpanel segment amplitude
        pinterest snapchat x optimizely vwo adobe-analytics
    """,
    "service": """
        youtube vimeo intercom zendesk beamer stripe paypal recaptcha shopify drift crisp
    """,
}

KNOWN_COOKIES = {
    "necessary": """
        sessionid csrftoken django_language session PHPSESSID JSESSIONID SESSION remember-me connect.sid
        laravel_session XSRF-TOKEN remember_web_59ba36addc2b2f9401580f014c7f58ea _myapp_session
        remember_user_token _my_app_key ASP.NET_SessionId ASPSESSIONIDASVABCTA .ASPXAUTH
        .AspNetCore.Identity.Application .AspNetCore.CookiesC1 .AspNetCore.Antiforgery.cyS7zUT4rj8
        .AspNetCore.Culture __Secure-next-auth.session-token __Secure-authjs.session-token.0
        __Host-authjs.csrf-token wordpress_logged_in_5b769bc2314c4c7ad86da6d2 wordpress_test_cookie
        wp_woocommerce_session_5b769bc2314c4c7ad86da SSESS0123456789abcdef0123456789abcdef fe_typo_user
        __Secure-typo3nonce_B1IYIunIYO3sJ0Q5Lnq7SQ my_wiki_session KEYCLOAK_IDENTITY _shibsession_64656661756c74
        _oauth2_proxy_0 AWSALBCORS AWSELBAuthSessionCookie-0 ARRAffinitySameSite ApplicationGatewayAffinityCORS
        AppServiceAuthSession1 GCLB SERVERID BIGipServerl_www.example.org_80_pool TS01a2b3c4 TS00000000076
        __cf_bm cf_clearance visid_incap_2512345 _abck datadome _px3 __stripe_mid matomo_ignore
    """,
    "functional": """
        _GRECAPTCHA __zlcmid intercom-session-abc123 _BEAMER_FIRST_VISIT_abc AKA_A2
    """,
    "analytics": """
        _ga _ga_KKGEK8HDTN FPID __utmv _pk_id.1.abcd _hjSessionUser_123456 _clck RT _pxde _parsely_session
        f5_cspm Apache AMP_TOKEN AMCV_1FD6776A524453CC0A490D44%40AdobeOrg hubspotutk
    """,
    "marketing": """
        _gac_UA-12345-1 _gcl_au IDE _fbp li_fat_id _ttp _uetvid VISITOR_INFO1_LIVE demdex
    """,
}


def literal_prefix(pattern: str) -> int:
    """How many octets a pattern fixes before its first wildcard."""
    return len(re.split(r"[*?]", pattern, maxsplit=1)[0])


def is_pattern(name: str) -> bool:
    return "*" in name or "?" in name


def resolve(name: str, rules: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The rule for a cookie of the site itself: the exact name, else the longest literal prefix, else the first."""
    matching = [rule for rule in rules if "hosts" not in rule and fnmatchcase(name, rule["name"])]
    return max(matching, key=lambda rule: (not is_pattern(rule["name"]), literal_prefix(rule["name"])), default=None)


def essential() -> list[dict[str, Any]]:
    """What the preset ``essential`` is made of: required, narrow names of frameworks and infrastructure."""
    return [
        rule
        for preset, rule in RULES
        if PRESETS[preset]["kind"] in {"framework", "infrastructure"}
        and rule["category"] == "necessary"
        and (not is_pattern(rule["name"]) or literal_prefix(rule["name"]) >= SHORTEST_PREFIX)
    ]


def each(words: dict[str, str]) -> list[tuple[str, str]]:
    """The words of every group, each with its group."""
    return [(word, group) for group, text in words.items() for word in text.split()]


every_preset = pytest.mark.parametrize("preset", PRESETS)


# --- the shape of a preset ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("preset", "kind"), each(EXPECTED_PRESETS))
def test_the_expected_presets_ship(preset: str, kind: str) -> None:
    assert PRESETS[preset]["kind"] == kind


@every_preset
def test_a_preset_has_a_title_a_description_a_kind_and_rules(preset: str) -> None:
    document = PRESETS[preset]
    assert document.keys() == {"title", "description", "kind", "cookie"}
    assert document["title"].strip()
    assert document["description"].endswith(".")
    assert document["kind"] in EXPECTED_PRESETS
    assert document["cookie"]


@pytest.mark.parametrize("path", PRESET_FILES, ids=lambda path: path.stem)
def test_a_preset_opens_with_its_sources_and_names_no_address(path: Path) -> None:
    text = path.read_text("utf-8")
    head = text[: text.index("title = ")]
    assert re.search(r"\bSources?:", head)
    assert "://" not in text


@every_preset
def test_a_preset_names_a_cookie_once(preset: str) -> None:
    names = [rule["name"] for rule in PRESETS[preset]["cookie"]]
    assert len(names) == len(set(names))


# --- the shape of a rule -----------------------------------------------------------------------------------------


@every_preset
def test_rules_have_only_keys_that_describe(preset: str) -> None:
    for rule in PRESETS[preset]["cookie"]:
        assert rule.keys() <= RULE_KEYS, rule
        assert rule["category"] in CATEGORIES, rule
        assert rule.get("party", "first") in {"first", "third"}, rule


@every_preset
def test_rules_say_who_sets_the_cookie_and_what_for(preset: str) -> None:
    for rule in PRESETS[preset]["cookie"]:
        assert rule["provider"].strip(), rule
        assert rule["function"].strip(), rule
        assert re.fullmatch(r"[A-Z].{10,}\.", rule["purpose"]), rule


@every_preset
def test_cookie_names_are_ones_that_browsers_keep(preset: str) -> None:
    for rule in PRESETS[preset]["cookie"]:
        assert re.fullmatch(r"[!-~]+", rule["name"]), rule
        assert not set(rule["name"]) & set('=;,"[]\\'), rule


@every_preset
def test_durations_are_ones_that_the_configuration_knows(preset: str) -> None:
    for rule in PRESETS[preset]["cookie"]:
        assert DURATION.fullmatch(rule.get("duration", "session")), rule


# --- what the rules say ------------------------------------------------------------------------------------------


def test_presets_agree_on_the_category_of_a_name() -> None:
    categories = defaultdict(set)
    for _, rule in RULES:
        categories[rule["name"]].add(rule["category"])
    assert {name: found for name, found in categories.items() if len(found) > 1} == {}


@every_preset
def test_necessary_patterns_are_narrow(preset: str) -> None:
    for rule in PRESETS[preset]["cookie"]:
        if rule["category"] == "necessary" and is_pattern(rule["name"]) and rule["name"] not in NAMED_AFTER_THE_APP:
            assert literal_prefix(rule["name"]) >= SHORTEST_PREFIX, rule


@every_preset
def test_the_necessary_rules_of_one_preset_take_in_no_optional_cookie_of_another(preset: str) -> None:
    own = PRESETS[preset]["cookie"]
    optional = {rule["name"].replace("*", "x") for _, rule in RULES if rule["category"] != "necessary"}
    found = {name: rule["category"] for name in optional if (rule := resolve(name, own))}
    assert [name for name, category in found.items() if category == "necessary"] == []


@pytest.mark.parametrize(("name", "category"), each(KNOWN_COOKIES))
def test_a_well_known_cookie_is_in_its_category(name: str, category: str) -> None:
    rule = resolve(name, [rule for _, rule in RULES])
    assert rule is not None
    assert rule["category"] == category


@pytest.mark.parametrize("name", [name for name, category in each(KNOWN_COOKIES) if category != "necessary"])
def test_no_well_known_optional_cookie_passes_as_essential(name: str) -> None:
    assert resolve(name, essential()) is None


@pytest.mark.parametrize(
    "name", ["id", "ID", "uid", "user", "token", "visitor", "email", "m", "ts", "LANG", "a_session"]
)
def test_no_common_word_passes_as_essential(name: str) -> None:
    assert resolve(name, essential()) is None


# --- config/gatekeeper.toml: the defaults ------------------------------------------------------------------------

DEFAULTS = {
    "presets": ["essential"],
    "server": {
        "listen": "127.0.0.1:8080",
        "workers": 1,
        "unknown_host": "default",
        "trusted_proxies": [],
        "drain": "30s",
        "proxy_protocol": False,
        "head_timeout": "10s",
        "body_timeout": "60s",
        "idle_timeout": "65s",
        "tunnel_timeout": "1h",
        "max_head": 65536,
        "max_fields": 200,
        "state": "",
        "pages": "/.well-known/gatekeeper/",
    },
    "upstream": {
        "url": "http://127.0.0.1:8000",
        "host": "preserve",
        "connect_timeout": "5s",
        "read_timeout": "60s",
        "max_connections": 256,
        "queue_timeout": "5s",
        "idle_timeout": "60s",
        "max_head": 131072,
        "verify": True,
    },
    "consent": {
        "cookie": "cookies_preferences",
        "format": "auto",
        "revision": 1,
        "max_age": "180d",
        "gpc": True,
        "gpc_json": True,
        "dnt": False,
        "forward": True,
        "upstream_may_set": True,
        "reissue": False,
    },
    "enforcement": {
        "mode": "enforce",
        "unlisted": "block",
        "strip_requests": True,
        "expire_leftovers": True,
        "protect_caches": True,
    },
    "log": {"destination": "stdout", "passes": False, "repeat": "60s"},
}


def defaults_text() -> str:
    return (ROOT / "config/gatekeeper.toml").read_text("utf-8")


def test_the_shipped_file_states_every_default() -> None:
    assert tomllib.loads(defaults_text()) == DEFAULTS


def test_the_examples_in_the_shipped_file_are_valid_when_uncommented() -> None:
    text = defaults_text().replace('presets = ["essential"]', "", 1)
    document = tomllib.loads(re.sub(r"(?m)^#(?=[^\s#])", "", text))
    assert [category["id"] for category in document["category"]] == [
        "necessary",
        "functional",
        "analytics",
        "marketing",
    ]
    assert set(document["presets"]) <= PRESETS.keys()
    assert {rule["category"] for rule in document["cookie"]} <= CATEGORIES
    assert set().union(*document["cookie"]) == RULE_KEYS | {"max_age", "consent"}
    assert document["consent"]["custom"]["shape"] == "word"


# --- config/opendatasoft.toml: the reference policy, word for word -----------------------------------------------

SEED_ROWS = [
    ("Authentication (front and back office)", "sessionid", "To remember the user from one page to another."),
    ("Language selection (front and back office)", "django_language", "To remember the visitor's language"),
    ("API (CSRF) (front et back office)", "csrftoken", "To retrieve data via API calls"),
    (
        "Choices related to your cookie preferences",
        "cookies_preferences",
        "To remember the visitor's cookie preferences",
    ),
    ("Notification", "_BEAMER*", "To receive notifications about new products in the interface"),
]

SEED_INTRO = "Opendatasoft uses cookies on the platform to ensure the proper functioning of our services."
SEED_NECESSARY = (
    "“Necessary” internal cookies allow information to be saved between two visits to the same website by the"
    " same device. They can save a shopping cart, log-in information, or interface preferences. They do not"
    " require the user’s consent."
)
SEED_STATISTICS = "“Statistical” cookies make it possible to track an Internet user's actions on a website."
SEED_ANONYMOUS = (
    "When statistics are anonymized (meaning they cannot be traced back to a person), user consent is not required."
)
SEED_FIRST_PARTY = (
    "“Internal” or “first-party” cookies are stored by the website visited. They can be stored in addition to the"
    " necessary cookies, and can be used to collect personal data, track user behavior, and for advertising"
    " purposes."
)
SEED_THIRD_PARTY = (
    "“Third-party” cookies are cookies stored by (or for) a Website B (often an advertising agency) on Website A."
    " This allows Website B to see what pages the user visited on Website A, and collect information about the"
    " user."
)
SEED_COOKIE = (
    "A cookie is a generally small piece of data identified by a name that may be sent to your browser by a"
    " website you are visiting. Your web browser will store it for a certain period of time, and will send it back"
    " to the web server each time you visit again. Cookies have many uses: they can be used to remember your"
    " customer log-in information for an online store, the current contents of your shopping cart, as an"
    " identifier for tracking your browsing for statistical or advertising purposes, etc."
)
SEED_PARAGRAPHS = [
    SEED_COOKIE,
    "Several types of cookies exist:",
    SEED_NECESSARY,
    f"{SEED_STATISTICS} {SEED_ANONYMOUS}",
    SEED_FIRST_PARTY,
    SEED_THIRD_PARTY,
]


@pytest.fixture(scope="module")
def policy() -> dict[str, Any]:
    return tomllib.loads((ROOT / "config/opendatasoft.toml").read_text("utf-8"))


def test_the_reference_policy_has_the_table_of_the_seed_in_its_order(policy: dict[str, Any]) -> None:
    assert [(rule["function"], rule["name"], rule["purpose"]) for rule in policy["cookie"]] == SEED_ROWS
    assert {rule["category"] for rule in policy["cookie"]} == {"necessary"}


def test_the_reference_policy_has_the_page_of_the_seed(policy: dict[str, Any]) -> None:
    page = policy["page"]
    assert page["title"] == "Cookies policy"
    assert page["updated"].isoformat() == "2021-03-30"
    assert page["intro"] == SEED_INTRO
    assert page["table_title"] == "What cookies are used on the opendatasoft.com platform"
    [section] = page["section"]
    assert section["title"] == "What is a cookie?"
    assert section["text"].strip().split("\n\n") == SEED_PARAGRAPHS


def test_the_reference_policy_has_a_category_for_each_kind_of_cookie_of_the_seed(policy: dict[str, Any]) -> None:
    categories = [(one["id"], one["basis"], one["description"]) for one in policy["category"]]
    assert categories == [
        ("necessary", "required", SEED_NECESSARY),
        ("statistics", "opt-in", SEED_STATISTICS),
        ("anonymous-statistics", "opt-out", SEED_ANONYMOUS),
        ("marketing", "opt-in", SEED_FIRST_PARTY),
        ("third-party", "opt-in", SEED_THIRD_PARTY),
    ]
    heading = "Cookies necessary for the platform to function properly/functionality cookies"
    assert policy["category"][0]["heading"] == heading


def test_the_reference_policy_uses_the_consent_cookie_of_the_seed(policy: dict[str, Any]) -> None:
    assert policy["consent"]["cookie"] == "cookies_preferences"


def test_the_reference_policy_says_who_sets_each_cookie_and_for_how_long_where_that_is_documented(
    policy: dict[str, Any],
) -> None:
    rules = {rule["name"]: rule for rule in policy["cookie"]}
    assert {rule["party"] for rule in rules.values()} == {"first"}
    assert rules["_BEAMER*"]["provider"] == "Beamer"
    assert {name: rule["duration"] for name, rule in rules.items() if "duration" in rule} == {
        "sessionid": "14d",
        "django_language": "session",
        "csrftoken": "365d",
    }
