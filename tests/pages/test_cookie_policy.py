"""The cookie policy page: the reference page comes back, and no text of a policy leaves its place."""

import json
import re
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.consent.category import Basis, Category
from gatekeeper.pages.cookie_policy import render_html, render_json, render_markdown
from gatekeeper.policy.document import Page, Policy, Rule, Section
from tests.pages.reading import GFM, Document, loaded, rows

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "config" / "opendatasoft.toml"
SEEDS = ROOT.parent / "shared" / "seeds"
ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "main", "section", "h1", "h2", "h3", "p", "time", "a", "em"),
    *("table", "caption", "thead", "tbody", "tr", "th", "td", "code"),
}
FORMATS = [render_markdown, render_html, render_json]
HOSTILE = (
    "a | b `c` <script>alert(1)</script> \"'>&amp; *d* _e_ ~~f~~\n| --- |\n\n# g\\| [x](javascript:alert(1)) "
    "![i](http://evil.example/p.png) </td></main> <img src=x onerror=alert(1)>\x00\x1b"
)


def reference() -> Policy:
    return loaded(REFERENCE.read_text("utf-8"))


def seed_lines() -> list[str]:
    """The lines of the reference page's text."""
    seeds = sorted(SEEDS.glob("*.txt"))
    if not seeds:
        pytest.skip(f"the reference page's text is not here: no {SEEDS}/*.txt")
    return seeds[0].read_text("utf-8").splitlines()


class TestReferencePage:
    def test_every_line_of_the_seed_comes_back_in_order(self) -> None:
        page = render_markdown(reference())
        place = 0
        for line in seed_lines():
            for piece in line.split("\t"):
                found = page.find(piece.strip(), place)
                assert found >= 0, f"missing, or not in its place: {piece!r}"
                place = found + len(piece.strip())

    def test_the_table_has_the_seed_s_rows_word_for_word(self) -> None:
        expected = [line.split("\t") for line in seed_lines() if "\t" in line]
        assert [row[:3] for row in rows(reference())] == expected

    def test_lifetimes_stand_beside_the_rows(self) -> None:
        assert [row[3] for row in rows(reference())] == [
            "Lifetime",
            "14 days",
            "until you close the browser",
            "1 year",
            "180 days",  # the consent cookie: max_age of [consent]
            "not stated",
        ]

    def test_the_html_says_the_same(self) -> None:
        document = Document(render_html(reference()))
        assert document.text("h1") == document.text("title") == ["Cookies policy"]
        assert document.text("time") == ["2021-03-30"]
        assert document.text("h2") == ["What is a cookie?", "What cookies are used on the opendatasoft.com platform"]
        heading = "Cookies necessary for the platform to function properly/functionality cookies"
        assert document.text("h3") == document.text("caption") == [heading]
        names = ["sessionid", "django_language", "csrftoken", "cookies_preferences", "_BEAMER*"]
        assert document.text("code") == names
        assert "No consent is needed for these cookies." in document.text("p")

    def test_a_description_that_the_page_has_already_said_is_not_said_again(self) -> None:
        assert render_markdown(reference()).count("“Necessary” internal cookies allow") == 1


class TestWords:
    def test_a_policy_without_a_page_gets_words_that_hold_for_every_site(self) -> None:
        page = render_markdown(Policy(rules=(Rule("a", "necessary"),)))
        assert page.startswith("# Cookie policy\n\nThis site uses cookies.")
        assert "Last update" not in page
        assert "## Cookies on this site" in page

    def test_a_page_with_words_of_its_own_gets_no_others(self) -> None:
        for page in (Page(intro="Ours."), Page(sections=(Section("Ours", "Ours."),))):
            assert "This site uses cookies" not in render_markdown(Policy(page=page))

    @pytest.mark.parametrize("render", FORMATS)
    def test_empty_titles_become_the_usual_ones(self, render: Any) -> None:
        page = render(Policy(page=Page(title=" ", table_title=""), rules=(Rule("a", "necessary"),)))
        assert "Cookie policy" in page
        assert "Cookies on this site" in page

    def test_a_section_without_a_title_has_no_heading(self) -> None:
        policy = Policy(page=Page(sections=(Section("", "Just words."),)))
        assert Document(render_html(policy)).text("h2") == ["Cookies on this site"]
        assert render_markdown(policy).count("## ") == 1

    @pytest.mark.parametrize("render", FORMATS)
    def test_a_time_of_day_is_not_part_of_the_last_update(self, render: Any) -> None:
        for updated in (date(2026, 1, 31), datetime.fromisoformat("2026-01-31T12:00:00+01:00")):
            page = render(Policy(page=Page(updated=updated)))
            assert "2026-01-31" in page
            assert "12:00" not in page

    def test_a_policy_without_rules_says_so(self) -> None:
        assert render_markdown(Policy()).endswith("No cookies are listed.\n")
        assert "No cookies are listed." in Document(render_html(Policy())).text("p")

    def test_markup_of_the_page_s_texts_is_kept(self) -> None:
        text = "We use **few** cookies; see [here](/privacy).\n\n- one\n- two"
        policy = Policy(
            page=Page(intro=text, sections=(Section("S", text),)),
            categories=(Category("x", description="*All* of it."),),
            rules=(Rule("a", "x"),),
        )
        assert render_markdown(policy).count(text) == 2
        assert "*All* of it." in render_markdown(policy)
        page = render_html(policy)
        assert page.count("<strong>few</strong>") == 2
        assert '<a href="/privacy">here</a>' in page
        assert "<p><em>All</em> of it.</p>" in page


class TestHostileTexts:
    POLICY = Policy(
        categories=(Category("x", Basis.OPT_IN, HOSTILE, HOSTILE, HOSTILE), Category("y", Basis.OPT_IN, HOSTILE)),
        rules=(
            Rule(HOSTILE, "x", HOSTILE, HOSTILE, HOSTILE, "third", HOSTILE, source=HOSTILE),
            Rule("a|b", "x"),
            Rule("a`|\\|b", "x"),
            Rule("plain", "y", HOSTILE, HOSTILE, HOSTILE, duration="1d"),
        ),
        page=Page(HOSTILE, date(2026, 1, 31), HOSTILE, (Section(HOSTILE, HOSTILE),), HOSTILE),
    )
    SEEN = re.sub(r"\s+", " ", HOSTILE.replace("\x00", "").replace("\x1b", ""))

    def test_no_text_breaks_the_html(self) -> None:
        page = render_html(self.POLICY)
        document = Document(page)
        assert {tag for tag, _ in document.elements} <= ELEMENTS
        assert all(not name.startswith("on") and name != "style" for _, found in document.elements for name in found)
        assert {anchor["href"] for anchor in document.all("a")} == {"http://evil.example/p.png"}
        assert len(document.all("h1")) == len(document.all("main")) == 1
        assert len(document.all("tr")) == 2 + 4
        assert not re.search(r"[\x00-\x08\x0b-\x1f]", page)

    def test_no_text_breaks_the_markdown(self) -> None:
        page = GFM.render(render_markdown(self.POLICY))
        document = Document(page)
        allowed = {"h1", "h2", "h3", "p", "em", "a", "table", "thead", "tbody", "tr", "th", "td", "code"}
        assert {tag for tag, _ in document.elements} <= allowed
        assert [len(document.all(tag)) for tag in ("h1", "h2", "h3", "table")] == [1, 2, 2, 2]
        assert {anchor["href"] for anchor in document.all("a")} == {"http://evil.example/p.png"}

    def test_every_cell_of_the_markdown_holds_its_whole_text(self) -> None:
        cells = rows(self.POLICY)
        assert cells[1] == [self.SEEN, self.SEEN, self.SEEN, f"{self.SEEN}, third party"]
        assert cells[2][1] == "a|b"
        assert cells[3][1] == "a`|\\|b"
        assert cells[5] == [self.SEEN, "plain", self.SEEN, self.SEEN, "1 day"]

    def test_the_json_holds_the_texts_as_they_are(self) -> None:
        document = json.loads(render_json(self.POLICY))
        assert document["title"] == HOSTILE.strip()
        assert document["categories"][0]["cookies"][0]["purpose"] == HOSTILE


class TestJson:
    def test_the_shape_is_the_documented_one(self) -> None:
        policy = Policy(
            page=Page("Titel – ü", date(2026, 1, 31), "Intro.", (Section("S", "T"),), "Table"),
            categories=(Category("x", Basis.OPT_OUT, "X", "About x.", "All of x"), Category("y")),
            rules=(
                Rule("a*", "x", "f", "p", "Prov", "third", "730d", max_age=3600, source="some-preset"),
                Rule("b", "x", duration="session"),
                Rule("c", "x"),
            ),
        )
        page = render_json(policy)
        assert json.loads(page) == {
            "title": "Titel – ü",
            "updated": "2026-01-31",
            "intro": "Intro.",
            "sections": [{"title": "S", "text": "T"}],
            "table_title": "Table",
            "categories": [
                {
                    "id": "x",
                    "title": "X",
                    "heading": "All of x",
                    "description": "About x.",
                    "basis": "opt-out",
                    "regions": {},
                    "cookies": [
                        {
                            "name": "a*",
                            "function": "f",
                            "purpose": "p",
                            "provider": "Prov",
                            "party": "third",
                            "duration": "730d",
                            "max_age_seconds": 3600,
                            "source": "some-preset",
                        },
                        {
                            "name": "b",
                            "function": "",
                            "purpose": "",
                            "provider": "",
                            "party": "",
                            "duration": "session",
                            "max_age_seconds": 0,
                            "source": "the file",
                        },
                        {
                            "name": "c",
                            "function": "",
                            "purpose": "",
                            "provider": "",
                            "party": "",
                            "duration": "",
                            "max_age_seconds": None,
                            "source": "the file",
                        },
                    ],
                },
                {
                    "id": "y",
                    "title": "y",
                    "heading": "y",
                    "description": "",
                    "basis": "opt-in",
                    "regions": {},
                    "cookies": [],
                },
            ],
        }
        assert page.startswith('{\n  "title": "Titel – ü",\n')
        assert page.endswith("\n}\n")

    def test_what_is_not_known_is_null_and_never_missing(self) -> None:
        document = json.loads(render_json(Policy()))
        assert document["updated"] is None
        assert document["sections"] == []
        assert [category["cookies"] for category in document["categories"]] == [[], [], [], []]
