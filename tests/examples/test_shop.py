"""The sample shop: it must misbehave exactly as promised, and work as a shop besides."""

import json
import re
import time
import tomllib
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import unquote

import pytest

from examples.shop.buying import DEMO_EMAIL
from examples.shop.cookies import OWN
from examples.shop.data import Lang, day, price
from examples.shop.sessions import IDLE_SECONDS, SessionStore
from examples.shop.tracking import TRACKERS, Place
from examples.shop.translations import TEXTS
from examples.shop.visit import local
from tests.examples.visiting import PAGES, Visitor, attributes_of, fields_of

NewVisitor = Callable[..., Visitor]

POLICY = Path(__file__).parents[2] / "examples" / "shop" / "gatekeeper.toml"
DAY = 86_400


def trackers_at(*places: Place) -> set[str]:
    return {tracker.name for tracker in TRACKERS if tracker.place in places}


# --- the cookies, where they were promised --------------------------------------------------------------------------


@pytest.mark.parametrize("url", PAGES)
def test_every_page_sets_all_page_trackers_before_any_choice(visitor: Visitor, url: str) -> None:
    names = set(fields_of(visitor.get(url)))
    assert names >= {"_ga", "_gid", "_ga_SHOP123", "_gat_UA-1234-5", "_fbp", "adtrail_uid", "pp_visitor"}
    assert names >= trackers_at(Place.PAGE) | {"sessionid", "csrftoken", "SERVERID"}


@pytest.mark.parametrize(
    ("url", "status", "names"),
    [
        ("/winter-offers", 302, {"adtrail_click", "SERVERID"}),
        ("/pixel.gif", 200, {"adtrail_px", "SERVERID"}),
        ("/images/belchen-bell.svg", 200, {"adtrail_seen", "SERVERID"}),
        ("/static/shop.css", 200, {"SERVERID"}),
        ("/debug/cookies.json", 200, {"SERVERID"}),
    ],
)
def test_what_is_no_page_sets_its_one_tracker(visitor: Visitor, url: str, status: int, names: set[str]) -> None:
    response = visitor.get(url)
    assert response.status_code == status
    assert set(fields_of(response)) == names


@pytest.mark.parametrize("url", ["/catalogue", "/catalogue/jura-pump"])
def test_catalogue_pages_set_a_tracker_with_a_path_of_its_own(visitor: Visitor, url: str) -> None:
    assert attributes_of(fields_of(visitor.get(url))["cat_variant"])["path"] == "/catalogue"


def test_only_the_catalogue_sets_the_trackers_of_the_catalogue(visitor: Visitor) -> None:
    assert "cat_variant" not in fields_of(visitor.get("/"))


def test_a_page_that_does_not_exist_sets_a_tracker(visitor: Visitor) -> None:
    for url in ("/no-such-page", "/catalogue/no-such-product", "/images/no-such.svg"):
        response = visitor.get(url)
        assert response.status_code == 404
        assert "pp_lost" in fields_of(response)


def test_lifetimes_are_those_of_the_table(visitor: Visitor) -> None:
    fields = {name: attributes_of(field) for name, field in fields_of(visitor.get("/")).items()}
    assert int(fields["_ga"]["max-age"]) == 730 * DAY
    assert int(fields["_gid"]["max-age"]) == DAY
    assert int(fields["_gat_UA-1234-5"]["max-age"]) == 60
    assert int(fields["adtrail_uid"]["max-age"]) > 13 * 30.4375 * DAY
    assert int(fields["csrftoken"]["max-age"]) == 365 * DAY


def test_the_ad_pixel_uses_expires_ninety_days_ahead_and_no_domain(visitor: Visitor) -> None:
    attributes = attributes_of(fields_of(visitor.get("/"))["_fbp"])
    assert set(attributes) == {"expires", "path"}
    expires = parsedate_to_datetime(attributes["expires"]).timestamp()
    assert abs(expires - time.time() - 90 * DAY) < 60


@pytest.mark.parametrize("name", ["sessionid", "adtrail_uid", "pp_visitor"])
def test_http_only_cookies_are_http_only(visitor: Visitor, name: str) -> None:
    assert "httponly" in attributes_of(fields_of(visitor.get("/"))[name])


def test_a_picture_with_a_tracker_is_offered_to_shared_caches(visitor: Visitor) -> None:
    assert visitor.get("/images/belchen-bell.svg").headers["cache-control"].startswith("public")


def test_a_tracker_that_comes_back_is_renewed_with_its_value(visitor: Visitor) -> None:
    visitor.get("/")
    kept = visitor.cookie("_ga")
    assert fields_of(visitor.get("/about"))["_ga"].startswith(f"_ga={kept}; Max-Age=")


def test_a_tracker_value_that_could_add_an_attribute_is_not_echoed(visitor: Visitor) -> None:
    assert '"' not in fields_of(visitor.get("/", cookie='_ga=1",x'))["_ga"]


def test_refusing_changes_nothing_for_the_trackers(visitor: Visitor) -> None:
    visitor.post("/cookie-choice", choice="refuse")
    assert set(fields_of(visitor.get("/"))) >= trackers_at(Place.PAGE)


def test_the_balancer_keeps_its_machine_and_replaces_an_unknown_one(visitor: Visitor) -> None:
    assert "SERVERID" in fields_of(visitor.get("/pixel.gif", cookie="SERVERID=elsewhere"))
    assert "SERVERID" not in fields_of(visitor.get("/pixel.gif", cookie="SERVERID=web2"))


def test_the_script_writes_what_the_table_says(visitor: Visitor) -> None:
    text = visitor.get("/").text
    assert trackers_at(Place.SCRIPT) == {"_gcl_au", "_BEAMER_USER_ID_shop", "_BEAMER_FIRST_VISIT_shop"}
    assert all(f'put("{name}"' in text for name in trackers_at(Place.SCRIPT))


def test_recently_viewed_comes_with_a_product_and_is_shown_again(visitor: Visitor) -> None:
    assert "Recently viewed" not in visitor.get("/").text
    for slug in ("belchen-bell", "jura-pump", "belchen-bell", "no-such-product"):
        visitor.get(f"/catalogue/{slug}")
    assert visitor.cookie("recently_viewed") == "belchen-bell|jura-pump"
    assert "Recently viewed" in visitor.get("/").text


def test_every_tracker_and_own_cookie_gives_its_reason_and_a_name_of_its_own() -> None:
    cookies = [*TRACKERS, *OWN]
    assert all(cookie.reason for cookie in cookies)
    assert len({cookie.name for cookie in cookies}) == len(cookies)


# --- the policy -----------------------------------------------------------------------------------------------------


def test_the_policy_names_every_cookie_of_the_shop_with_the_category_it_needs() -> None:
    rules = tomllib.loads(POLICY.read_text("utf-8"))["cookie"]

    def category_of(name: str) -> str:
        matching = [rule for rule in rules if fnmatchcase(name, rule["name"])]
        assert matching, f"no rule names {name}"
        return str(max(matching, key=lambda rule: (rule["name"] == name, len(rule["name"])))["category"])

    for cookie in OWN:
        assert category_of(cookie.name) == ("functional" if cookie.name == "recently_viewed" else "necessary")
    for tracker in TRACKERS:
        expected = {"functional"} if tracker.name.startswith("_BEAMER") else {"analytics", "marketing"}
        assert category_of(tracker.name) in expected


def test_every_rule_of_the_policy_is_complete_and_matches_a_cookie() -> None:
    names = [cookie.name for cookie in (*TRACKERS, *OWN)]
    for rule in tomllib.loads(POLICY.read_text("utf-8"))["cookie"]:
        assert {"name", "category", "function", "purpose", "provider", "party"} <= set(rule)
        assert any(fnmatchcase(name, rule["name"]) for name in names), rule["name"]


# --- the choice -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "granted"),
    [
        ({"choice": "accept"}, {"functional", "analytics", "marketing"}),
        ({"choice": "refuse"}, set()),
        ({"choice": "refuse", "marketing": "1"}, set()),
        ({"choice": "save"}, set()),
        ({"choice": "save", "functional": "1", "analytics": "1"}, {"functional", "analytics"}),
    ],
)
def test_a_choice_is_kept_as_percent_encoded_json(visitor: Visitor, fields: dict[str, str], granted: set[str]) -> None:
    response = visitor.post("/cookie-choice", next="/about", **fields)
    assert (response.status_code, response.headers["location"]) == (303, "/about")
    field = fields_of(response)["cookies_preferences"]
    value = field.split(";")[0].split("=", 1)[1]
    assert json.loads(unquote(value)) == {name: name in granted for name in ("functional", "analytics", "marketing")}
    assert not set(value) & set('{}", ')
    assert attributes_of(field) == {"max-age": str(180 * DAY), "path": "/", "samesite": "Lax"}


def test_the_banner_stays_until_a_choice_and_goes_with_it(visitor: Visitor) -> None:
    for _ in range(2):
        assert 'class="banner"' in visitor.get("/").text
    visitor.post("/cookie-choice", choice="refuse")
    assert 'class="banner"' not in visitor.get("/").text


def test_refusing_in_the_banner_is_as_easy_as_accepting(visitor: Visitor) -> None:
    text = visitor.get("/").text
    banner = text[text.index('class="banner"') :]
    refuse = re.search(r'<button class="([^"]*)" name="choice" value="refuse">', banner)
    accept = re.search(r'<button class="([^"]*)" name="choice" value="accept">', banner)
    assert refuse is not None
    assert accept is not None
    assert refuse[1] == accept[1]
    assert refuse.start() < accept.start()


def test_nothing_is_ticked_before_the_visitor_ticks_it(visitor: Visitor) -> None:
    for url in ("/", "/cookie-settings"):
        ticked = re.findall(r"<input[^>]*\bchecked\b[^>]*>", visitor.get(url).text)
        assert all("disabled" in box for box in ticked)


def test_the_settings_show_the_choice_and_let_it_be_withdrawn(visitor: Visitor) -> None:
    assert "You have not made a choice yet." in visitor.get("/cookie-settings").text
    visitor.post("/cookie-choice", choice="save", analytics="1")
    text = visitor.get("/cookie-settings").text
    assert "Analytics: allowed" in text
    assert "Marketing: refused" in text
    assert "Withdraw consent" in text
    visitor.post("/cookie-choice", choice="refuse")
    assert "Analytics: refused" in visitor.get("/cookie-settings").text


@pytest.mark.parametrize("value", ["", "%", "nonsense", "[1]", "null", "%7B%22a%22%3A1%7D", "[" * 900, "%ff%fe"])
def test_a_strange_choice_hides_the_banner_and_breaks_nothing(visitor: Visitor, value: str) -> None:
    text = visitor.get("/cookie-settings", cookie=f"cookies_preferences={value}").text
    assert "You have not made a choice yet." in text
    assert 'class="banner"' not in visitor.get("/", cookie=f"cookies_preferences={value}").text


def test_an_unknown_answer_is_refused(visitor: Visitor) -> None:
    response = visitor.post("/cookie-choice", choice="perhaps")
    assert response.status_code == 400
    assert "cookies_preferences" not in fields_of(response)


# --- forms ----------------------------------------------------------------------------------------------------------

FORMS = (
    "/basket/add",
    "/basket/change",
    "/basket/remove",
    "/checkout",
    "/login",
    "/logout",
    "/language",
    "/newsletter",
    "/cookie-choice",
)


@pytest.mark.parametrize("url", FORMS)
@pytest.mark.parametrize("code", ["", "wrong", "ünlesbar"])
def test_a_post_without_the_right_code_is_403(visitor: Visitor, url: str, code: str) -> None:
    visitor.get("/")
    response = visitor.post(url, code)
    assert response.status_code == 403
    assert "This form has expired" in response.text


@pytest.mark.parametrize("url", FORMS)
def test_a_post_without_cookies_is_403(visitor: Visitor, url: str) -> None:
    assert visitor.post(url, "").status_code == 403
    assert visitor.post(url, "a-code-of-ones-own-making").status_code == 403


def test_forms_cannot_be_fetched(visitor: Visitor) -> None:
    response = visitor.get("/basket/add")
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"a=" + b"x" * 70_000, "application/x-www-form-urlencoded", 413),
        (b"&".join(b"a=1" for _ in range(60)), "application/x-www-form-urlencoded", 413),
        (b"{}", "application/json", 415),
        (b"\xff\xfe%ff", "application/x-www-form-urlencoded", 403),
    ],
)
def test_a_body_that_is_no_form_of_ours_is_refused(visitor: Visitor, content: bytes, kind: str, status: int) -> None:
    assert visitor.post_raw("/login", content, kind).status_code == status


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "/\t/evil.example",
        "/a\r\nSet-Cookie: x=1",
        "javascript:alert(1)",
        "evil",
        "",
    ],
)
def test_no_form_redirects_to_another_site(visitor: Visitor, target: str) -> None:
    assert visitor.post("/language", lang="de", next=target).headers["location"] == "/"
    assert visitor.post("/cookie-choice", choice="refuse", next=target).headers["location"] == "/"
    assert visitor.post("/newsletter", email="a@example.org", next=target).headers["location"] == "/"
    assert visitor.login(next=target).headers["location"] == "/account"


@pytest.mark.parametrize("target", ["/", "/about", "/catalogue?category=bags&x=/y", "/caf%C3%A9", "/a//b"])
def test_a_local_target_is_kept(target: str) -> None:
    assert local(target) == target


def test_a_message_appears_once_and_its_cookie_is_deleted(visitor: Visitor) -> None:
    response = visitor.post("/newsletter", email="anna@example.org", next="/about")
    assert fields_of(response)["messages"].startswith("messages=subscribed; HttpOnly")
    page = visitor.get(response.headers["location"])
    assert "Thank you. The next letter comes to you." in page.text
    assert attributes_of(fields_of(page)["messages"])["max-age"] == "0"
    assert visitor.cookie("messages") is None
    assert "messages" not in fields_of(visitor.get("/about"))


def test_a_planted_message_is_deleted_and_not_shown(visitor: Visitor) -> None:
    page = visitor.get("/", cookie="messages=<b>planted</b>")
    assert "planted" not in page.text
    assert "messages" in fields_of(page)


def test_a_bad_address_gets_no_newsletter(visitor: Visitor) -> None:
    response = visitor.post("/newsletter", email="anna")
    assert fields_of(response)["messages"].startswith("messages=bad-email")


# --- language -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lang", "word"), [("en", "Basket"), ("de", "Warenkorb"), ("fr", "Panier")])
def test_a_language_is_kept_for_a_year(visitor: Visitor, lang: str, word: str) -> None:
    response = visitor.post("/language", lang=lang, next="/about")
    assert (response.status_code, response.headers["location"]) == (303, "/about")
    assert attributes_of(fields_of(response)["language"])["max-age"] == str(365 * DAY)
    page = visitor.get("/", **{"accept-language": "en"}).text
    assert f'<html lang="{lang}">' in page
    assert word in page


@pytest.mark.parametrize(
    ("accepted", "lang"), [("", "en"), ("fr-CH, de;q=0.5", "fr"), ("nl, DE-AT", "de"), ("*", "en"), (",;,", "en")]
)
def test_without_a_cookie_the_browser_says_the_language(visitor: Visitor, accepted: str, lang: str) -> None:
    assert f'<html lang="{lang}">' in visitor.get("/", **{"accept-language": accepted}).text


def test_an_unknown_language_is_not_kept(visitor: Visitor) -> None:
    assert "language" not in fields_of(visitor.post("/language", lang="tlh"))
    assert '<html lang="en">' in visitor.get("/", cookie="language=tlh").text


def test_every_text_exists_in_every_language_with_the_same_gaps() -> None:
    for key, text in TEXTS.items():
        assert all(text), key
        assert len({frozenset(re.findall(r"\{\w+\}", version)) for version in text}) == 1, key


def test_prices_and_dates_are_written_as_each_language_does() -> None:
    assert [price(149_000, lang) for lang in Lang] == ["€1,490.00", "1.490,00\u00a0€", "1\u202f490,00\u00a0€"]
    assert [day("2025-04-12", lang) for lang in Lang] == ["12/04/2025", "12.04.2025", "12/04/2025"]


# --- basket and checkout --------------------------------------------------------------------------------------------

ADDRESS = {"name": "Anna", "email": "a@example.org", "street": "Am Wehr 1", "postcode": "79999", "city": "Oberwiesen"}


def test_the_basket_adds_changes_and_removes(visitor: Visitor) -> None:
    assert "Your basket is empty." in visitor.get("/basket").text
    assert visitor.post("/basket/add", product="belchen-bell", quantity="2").headers["location"] == "/basket"
    visitor.post("/basket/add", product="belchen-bell", quantity="1")
    text = visitor.get("/basket").text
    assert "€54.00" in text
    assert "€59.90" in text
    visitor.post("/basket/change", product="belchen-bell", quantity="4")
    text = visitor.get("/basket").text
    assert "€72.00" in text
    assert "<dd>free</dd>" in text
    visitor.post("/basket/remove", product="belchen-bell")
    assert "Your basket is empty." in visitor.get("/basket").text


def test_the_basket_is_bounded_and_a_quantity_of_nothing_removes(visitor: Visitor) -> None:
    for _ in range(3):
        visitor.post("/basket/add", product="belchen-bell", quantity="9999")
    assert 'value="20"' in visitor.get("/basket").text
    visitor.post("/basket/change", product="belchen-bell", quantity="0")
    assert "Your basket is empty." in visitor.get("/basket").text


@pytest.mark.parametrize("url", ["/basket/add", "/basket/change"])
@pytest.mark.parametrize(
    ("fields", "status"), [({"quantity": "-1"}, 400), ({"quantity": "²"}, 400), ({"product": "?"}, 404)]
)
def test_a_strange_line_is_refused(visitor: Visitor, url: str, fields: dict[str, str], status: int) -> None:
    assert visitor.post(url, **{"product": "belchen-bell", "quantity": "1", **fields}).status_code == status


def test_an_order_can_be_placed_and_empties_the_basket(visitor: Visitor) -> None:
    assert visitor.get("/checkout").headers["location"] == "/basket"
    assert visitor.get("/checkout/thanks").headers["location"] == "/basket"
    assert visitor.post("/checkout", **ADDRESS).headers["location"] == "/basket"
    visitor.post("/basket/add", product="sundgau-helmet", quantity="1")
    assert "Sundgau Helmet" in visitor.get("/checkout").text
    assert visitor.post("/checkout", **ADDRESS).headers["location"] == "/checkout/thanks"
    assert re.search(r"Its number is BR-\d{5}\. The total is €79\.00\.", visitor.get("/checkout/thanks").text)
    assert "Your basket is empty." in visitor.get("/basket").text


def test_an_incomplete_order_says_what_is_missing_and_keeps_the_rest(visitor: Visitor) -> None:
    visitor.post("/basket/add", product="sundgau-helmet", quantity="1")
    response = visitor.post("/checkout", **{**ADDRESS, "name": '"><script>', "email": "nobody", "city": " "})
    assert response.status_code == 422
    assert 'id="email-error"' in response.text
    assert 'id="city-error"' in response.text
    assert 'value="&quot;&gt;&lt;script&gt;"' in response.text


# --- account --------------------------------------------------------------------------------------------------------


def test_the_account_asks_for_a_login_first(visitor: Visitor) -> None:
    response = visitor.get("/account")
    assert (response.status_code, response.headers["location"]) == (303, "/login?next=%2Faccount")


def test_login_rotates_both_ids_and_keeps_the_basket(visitor: Visitor) -> None:
    visitor.post("/basket/add", product="belchen-bell", quantity="1")
    session, code = visitor.cookie("sessionid"), visitor.cookie("csrftoken")
    response = visitor.login()
    assert (response.status_code, response.headers["location"]) == (303, "/account")
    assert set(fields_of(response)) == {"sessionid", "csrftoken", "messages"}
    assert visitor.cookie("sessionid") != session
    assert visitor.cookie("csrftoken") != code
    assert "Hello, Anna" in visitor.get("/account").text
    assert "Belchen Bell" in visitor.get("/basket").text
    assert visitor.get("/login").headers["location"] == "/account"
    assert "Hello" not in visitor.get("/account", cookie=f"sessionid={session}").text


@pytest.mark.parametrize("fields", [{"password": "wrong"}, {"password": "wörng"}, {"email": "eve@example.org"}])
def test_a_wrong_login_is_refused_and_keeps_the_address(visitor: Visitor, fields: dict[str, str]) -> None:
    response = visitor.login(**fields)
    assert response.status_code == 422
    assert f'value="{fields.get("email", DEMO_EMAIL)}"' in response.text
    assert visitor.get("/account").status_code == 303


def test_logout_deletes_the_session_and_rotates_the_code(visitor: Visitor) -> None:
    visitor.login()
    session, code = visitor.cookie("sessionid"), visitor.cookie("csrftoken")
    response = visitor.post("/logout")
    fields = fields_of(response)
    assert attributes_of(fields["sessionid"])["max-age"] == "0"
    assert visitor.cookie("sessionid") is None
    assert visitor.cookie("csrftoken") not in {None, code}
    assert visitor.get("/account", cookie=f"sessionid={session}").status_code == 303


def test_an_order_shows_up_in_the_account(visitor: Visitor) -> None:
    visitor.login()
    visitor.post("/basket/add", product="quelle-bottle", quantity="1")
    visitor.post("/checkout", **ADDRESS)
    assert "€27.90" in visitor.get("/account").text


# --- sessions -------------------------------------------------------------------------------------------------------


def test_a_session_id_of_a_strangers_making_is_never_adopted(visitor: Visitor) -> None:
    field = fields_of(visitor.get("/", cookie="sessionid=planted"))["sessionid"]
    assert "planted" not in field


def test_the_store_is_bounded_and_drops_what_was_unused_for_longest() -> None:
    store = SessionStore(maximum=2)
    first, second = store.create(), store.create()
    assert store.get(first.key) is first
    third = store.create()
    assert len(store) == 2
    assert store.get(second.key) is None
    assert store.get(first.key) is first
    assert store.get(third.key) is third


def test_an_idle_session_ends() -> None:
    clock = [0.0]
    store = SessionStore(clock=lambda: clock[0])
    session = store.create()
    clock[0] = IDLE_SECONDS
    assert store.get(session.key) is session
    clock[0] = 2 * IDLE_SECONDS + 1
    assert store.get(session.key) is None
    assert len(store) == 0


def test_pictures_and_styles_open_no_session(new_visitor: NewVisitor) -> None:
    store = SessionStore()
    one = new_visitor(store)
    for url in ("/pixel.gif", "/images/belchen-bell.svg", "/static/shop.css", "/winter-offers", "/debug/cookies.json"):
        one.get(url)
    assert len(store) == 0
    one.get("/")
    one.get("/about")
    assert len(store) == 1


# --- what the server sees -------------------------------------------------------------------------------------------


def test_the_debug_page_lists_what_came_and_what_did_not(visitor: Visitor, new_visitor: NewVisitor) -> None:
    text = visitor.get("/debug/cookies", cookie="_ga=1; <b>=<i>; _ga=2; sessionid=abcdefgh").text
    assert "Arrived (4)" in text
    assert f"Did not arrive ({len(TRACKERS) - 1})" in text
    assert "&lt;b&gt;" in text
    assert "<i>" not in text
    assert "abcd…" in text
    assert "abcdefgh" not in text
    assert "No cookie at all." in new_visitor().get("/debug/cookies").text


def test_the_debug_page_has_a_form_for_scripts(visitor: Visitor) -> None:
    answer = visitor.get("/debug/cookies.json", cookie="_ga=1; _ga=2").json()
    assert answer == {"cookies": [["_ga", "1"], ["_ga", "2"]]}
