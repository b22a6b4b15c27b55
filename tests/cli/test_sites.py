"""Several sites behind one Gatekeeper: what settings make of ``[[site]]`` tables, and what the commands say of them."""

import contextlib
import json
import signal
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatekeeper.policy.document import Mode
from gatekeeper.policy.schema import PolicyError
from gatekeeper.settings import Settings, build_settings
from gatekeeper.upstreams import problems_of_upstreams, routes_of
from tests.cli.conftest import Start, Tell
from tests.cli.running import Gatekeeper, Origin, connect, until

OTHER = "http://127.0.0.1:9"


def build(text: str, environ: dict[str, str] | None = None, overrides: dict[str, object] | None = None) -> Settings:
    document = tomllib.loads(text)
    return build_settings(document, presets={}, environ=environ, overrides=overrides, further=problems_of_upstreams)


def problems(text: str, **more: dict[str, str]) -> list[str]:
    with pytest.raises(PolicyError) as refused:
        build(text, **more)  # type: ignore[arg-type]
    return [str(problem) for problem in refused.value.problems]


# --- upstreams -------------------------------------------------------------------------------------------------------

TWO = """
[[site]]
hosts = ["a.example"]
[[site]]
hosts = ["b.example", "*.b.example"]
[site.upstream]
url = "http://127.0.0.1:9002"
read_timeout = "7s"
"""


def test_an_upstream_is_laid_over_the_top_levels_key_by_key() -> None:
    settings = build('[upstream]\nurl = "http://127.0.0.1:9001"\nhost = "inside"\nread_timeout = "5s"\n' + TWO)
    a, b = settings.upstreams
    assert a is settings.upstream
    assert (b.url, b.host, b.read_timeout) == ("http://127.0.0.1:9002", "inside", 7)
    assert [path for path, _ in settings.asked] == ["upstream", "site[1].upstream"]


@pytest.mark.parametrize(
    ("top", "served"),
    [
        ("", False),
        ("[upstream]\nread_timeout = '5s'\n", False),
        (f"[upstream]\nurl = '{OTHER}'\n", True),
        (f"[server]\nunknown_host = 'default'\n[upstream]\nurl = '{OTHER}'\n", True),
        (f"[server]\nunknown_host = 'refuse'\n[upstream]\nurl = '{OTHER}'\n", False),
    ],
)
def test_other_hosts_are_served_where_the_top_level_says_by_whom_and_nothing_else_is_said(
    top: str, served: bool
) -> None:
    assert build(top + TWO).serves_others is served
    assert build("").serves_others


def test_an_upstream_on_the_command_line_is_the_top_levels() -> None:
    settings = build(TWO, overrides={"upstream": {"url": OTHER}})
    assert settings.serves_others
    assert [one.url for one in settings.upstreams] == [OTHER, "http://127.0.0.1:9002"]


def test_where_gatekeeper_itself_listens_is_no_upstream_of_a_site() -> None:
    text = '[server]\nlisten = "127.0.0.1:8000"\n[[site]]\nhosts = ["a"]\nupstream.url = "http://localhost:{}"'
    assert build(text.format(9000)).asked[0][0] == "site[0].upstream"
    (problem,) = problems(text.format(8000))
    assert problem.startswith('site[0].upstream.url: "http://localhost:8000" is where Gatekeeper itself listens')


def test_what_is_wrong_with_an_upstream_is_told_where_it_stands() -> None:
    text = TWO + 'certificate = "/c"\nmax_conections = 5\n'
    assert problems(text) == [
        "site[1].upstream.certificate: needs key; if one file holds both, name it twice",
        'site[1].upstream.max_conections: unknown key; did you mean "max_connections"?',
    ]
    assert problems('[[site]]\nhosts = ["a"]\nupstream = 1') == [
        "site[0].upstream: must be a table, not a whole number (1)"
    ]
    top = '[upstream]\nurl = "http://a"\nread_timeout = "soon"\n'
    assert [one.partition(":")[0] for one in problems(top + TWO)] == ["upstream.read_timeout"]


def test_sites_with_the_same_upstream_share_its_route_and_all_others_have_their_own() -> None:
    text = f'[upstream]\nurl = "{OTHER}"\n'
    for number in range(6):
        text += f'[[site]]\nhosts = ["s{number}.example"]\nupstream.url = "http://127.0.0.1:{9000 + number % 3}"\n'
    routes, asked = routes_of(build(text), {})
    found = [routes.of(b"s%d.example:80" % number) for number in range(6)]
    assert found[:3] == found[3:]
    assert len({*found, routes.of(b"other.example")}) == 4 == len(asked) == len(routes.pools)


def test_sites_without_an_upstream_of_their_own_cost_no_look_up() -> None:
    routes, _ = routes_of(build(f'[upstream]\nurl = "{OTHER}"\n[[site]]\nhosts = ["a"]'), {})
    assert routes._find is None


def test_an_upstream_that_stays_keeps_its_connections_at_a_reload() -> None:
    text = '[[site]]\nhosts = ["a"]\nupstream.url = "http://127.0.0.1:9001"\n'
    before, asked = routes_of(build(text), {})
    more = text + '[[site]]\nhosts = ["b"]\nupstream.url = "http://127.0.0.1:9002"\n'
    after, _ = routes_of(build(more + 'consent.cookie = "x"'), asked)
    assert after.of(b"a") is before.of(b"a")
    assert after.of(b"b") is not None
    assert before.of(b"b") is None


# --- environment and command line ------------------------------------------------------------------------------------

MODES = '[enforcement]\nmode = "enforce"\n[[site]]\nhosts = ["a"]\nenforcement = { mode = "off", unlisted = "allow" }\n'


def test_a_mode_that_is_set_elsewhere_holds_for_all_sites() -> None:
    for settings in (
        build(MODES, environ={"GATEKEEPER_ENFORCEMENT__MODE": "report-only"}),
        build(MODES, overrides={"enforcement": {"mode": "report-only"}}),
    ):
        (site,) = settings.policy.sites
        assert site.policy.enforcement.mode is settings.policy.enforcement.mode is Mode.REPORT_ONLY
        assert site.policy.enforcement.unlisted == "allow"
    assert build(MODES).policy.sites[0].policy.enforcement.mode is Mode.OFF


def test_what_the_environment_sets_is_the_top_levels() -> None:
    settings = build(TWO + 'host = "upstream"\n', environ={"GATEKEEPER_UPSTREAM__HOST": "inside"})
    assert [one.host for one in settings.upstreams] == ["inside", "upstream"]


@pytest.mark.parametrize("variable", ["GATEKEEPER_SITE", "GATEKEEPER_SITE__HOSTS"])
def test_sites_are_not_told_in_the_environment(variable: str) -> None:
    assert problems(TWO, environ={variable: "[]"}) == [
        f"{variable}: sets no key: what a site has of its own is told in the file alone"
    ]


# --- a thousand ------------------------------------------------------------------------------------------------------


def test_a_thousand_sites_read_each_preset_and_compile_what_they_share_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from gatekeeper.policy import load_preset
    from gatekeeper.policy.presets import library

    read: list[str] = []
    genuine = load_preset.read_rule
    monkeypatch.setattr(
        load_preset, "read_rule", lambda table, *rest: (read.append(table.path), genuine(table, *rest))[1]
    )
    text = 'presets = ["essential"]\n' + "".join(
        f'[[site]]\nhosts = ["s{n}.example"]\nconsent.cookie = "c{n}"\nupstream.url = "http://127.0.0.1:{9000 + n}"\n'
        f'[[site.cookie]]\nname = "basket{n}"\ncategory = "necessary"\n'
        for n in range(1000)
    )
    settings = build_settings(tomllib.loads(text), presets=library())
    assert len(read) == len(settings.policy.rules) == len(set(read))
    assert len({id(site.policy.enforcement) for site in settings.policy.sites}) == 1
    assert len(routes_of(settings, {})[1]) == 1000


# --- commands --------------------------------------------------------------------------------------------------------

FILE = """
presets = []
[[cookie]]
name = "sessionid"
category = "necessary"
[[site]]
hosts = ["shop.example", "*.shop.example"]
upstream.url = "http://127.0.0.1:9001"
page.title = "Cookies of the shop"
[[site.cookie]]
name = "basket"
category = "necessary"
[[site]]
name = "blog"
hosts = ["blog.example"]
upstream.url = "http://127.0.0.1:9002"
consent.cookie = "blog_choice"
enforcement.mode = "report-only"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "sites.toml"
    path.write_text(FILE)
    return path


def test_check_counts_the_sites(tell: Tell, file: Path) -> None:
    told = tell("check", file)
    assert (told.code, told.err) == (0, "")
    assert told.out == f"{file} can be used: mode enforce, 1 rule ({file}), 2 sites\n"


def test_check_warns_of_what_a_site_says_at_its_line(tell: Tell, file: Path) -> None:
    tracker = '[[site.cookie]]\nname = "_ga"\ncategory = "necessary"\n'
    file.write_text(FILE + tracker + '[[site.cookie]]\nname = "s*"\ncategory = "marketing"\n')
    warned = [line for line in tell("check", file).out.splitlines() if "warning: " in line]
    assert len(warned) == 2
    assert warned[0].startswith(f'{file}:21: warning: site[1].cookie[0].category: "_ga" is known as a cookie of ')
    assert warned[1].startswith(f'{file}:23: warning: site[1].cookie[1].name: "s*" swallows "sessionid" of the top ')


def test_a_top_level_that_nobody_is_served_by_is_not_warned_of(tell: Tell, file: Path) -> None:
    file.write_text('[[site]]\nhosts = ["a"]\npresets = ["essential"]\nupstream.url = "http://127.0.0.1:9001"\n')
    assert "warning" not in tell("check", file).out
    file.write_text('[[site]]\nhosts = ["a"]\nupstream.url = "http://127.0.0.1:9001"\n')
    assert "warning: site[0].cookie: there is no rule" in tell("check", file).out


@pytest.mark.parametrize(
    ("url", "action", "mode"),
    [
        ("http://shop.example/", "pass", ""),
        ("https://WWW.shop.example.:8443/x", "pass", ""),
        ("blog.example", "drop", "Nothing is enforced: report-only"),
        ("http://other.example/", "drop", "No site has this host: gatekeeper run answers with 421"),
    ],
)
def test_explain_judges_as_the_urls_host_is(tell: Tell, file: Path, url: str, action: str, mode: str) -> None:
    told = tell("explain", file, "--set-cookie", "basket=1", "--url", url)
    assert f"\t{action}\t" in told.out
    assert mode in told.out
    assert ("Nothing is enforced" in told.out, "421" in told.out) == (
        mode[:1] == "N" and "421" not in mode,
        "421" in mode,
    )


def test_policy_and_consent_take_the_site_by_a_host(tell: Tell, file: Path) -> None:
    assert "Cookies of the shop" in tell("policy", file, "--site", "shop.example").out
    assert "`basket`" in tell("policy", file, "--site", "a.shop.example").out
    assert "`basket`" not in tell("policy", file).out
    assert (
        json.loads(tell("consent", "blog_choice=all", "-c", file, "--site", "blog.example", "--json").out)["state"]
        == "decided"
    )
    assert json.loads(tell("consent", "blog_choice=all", "-c", file, "--json").out)["state"] == "absent"
    told = tell("policy", file, "--site", "nowhere.example")
    assert told.code == 2
    assert "no host of a [[site]] table" in " ".join(told.err.replace("│", "").split())


# --- run -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def second() -> Iterator[Origin]:
    with_it = Origin()
    with_it.cookies = ["sessionid=2", "tracker=2"]
    yield with_it
    with_it.close()


@contextlib.contextmanager
def running(file: Path, *arguments: str) -> Iterator[Gatekeeper]:
    gatekeeper = Gatekeeper("--config", str(file), *arguments)
    try:
        yield gatekeeper.ready()
    finally:
        gatekeeper.close()


def two(origin: Origin, second: Origin) -> str:
    return (
        '[[cookie]]\nname = "sessionid"\ncategory = "necessary"\n'
        f'[[site]]\nhosts = ["shop.example"]\nupstream.url = "{origin.url}"\n'
        f'[[site]]\nname = "Blog"\nhosts = ["*.blog.example"]\nupstream.url = "{second.url}"\n'
        f'[[site.cookie]]\nname = "tracker"\ncategory = "necessary"\n'
    )


@pytest.mark.parametrize("workers", ["1", "2"])
def test_each_site_has_its_app_its_rules_and_its_name_in_the_log(
    tmp_path: Path, origin: Origin, second: Origin, workers: str
) -> None:
    file = tmp_path / "sites.toml"
    file.write_text(two(origin, second))
    with running(file, "--workers", workers) as gatekeeper:
        assert " in front of 2 sites, mode enforce, 1 rule (" in gatekeeper.start_line
        assert gatekeeper.start_line.endswith("), 2 sites")
        assert gatekeeper.get(Host="Shop.example:8080").cookies == {"sessionid"}
        assert gatekeeper.get(Host="a.blog.example").cookies == {"sessionid", "tracker"}
        assert gatekeeper.get(Host="blog.example").status == 421
        assert (len(origin.seen), len(second.seen)) == (1, 1)
        assert second.fields[0]["host"] == "a.blog.example"
        assert gatekeeper.event(cookie="tracker")["site"] == "shop.example"
        gatekeeper.says("421 for GET /: no site has its host")


def test_the_app_at_the_top_level_has_all_other_hosts_unless_they_are_refused(
    tmp_path: Path, origin: Origin, second: Origin
) -> None:
    file = tmp_path / "sites.toml"
    top = f'[upstream]\nurl = "{second.url}"\n'
    site = f'[[site]]\nhosts = ["shop.example"]\nupstream.url = "{origin.url}"\n'
    file.write_text(top + site)
    with running(file) as gatekeeper:
        assert f" in front of {second.url}, mode " in gatekeeper.start_line
        assert gatekeeper.get(Host="other.example").status == 200
        assert (len(origin.seen), len(second.seen)) == (0, 1)
        file.write_text('[server]\nunknown_host = "refuse"\n' + top + site)
        gatekeeper.send(signal.SIGHUP)
        gatekeeper.says("reloaded: ")
        assert gatekeeper.get(Host="other.example").status == 421
        assert gatekeeper.get(Host="shop.example").status == 200
        assert not any("restart" in line for line in gatekeeper.err)


def test_own_pages_are_the_sites_and_health_is_everybodys(tmp_path: Path, origin: Origin, second: Origin) -> None:
    file = tmp_path / "sites.toml"
    own = 'name = "Blog"\npage.title = "Cookies of the blog"\nupstream.host = "upstream"'
    file.write_text(two(origin, second).replace('name = "Blog"', own))
    with running(file) as gatekeeper:
        page = "/.well-known/gatekeeper/cookies"
        for _ in range(2):
            assert b"Cookies of the blog" in gatekeeper.get(page, Host="a.blog.example").body
            assert b"Cookies of the blog" not in gatekeeper.get(page, Host="shop.example").body
        for name in ("cookies", "cookies.json"):
            answer = gatekeeper.get(f"/.well-known/gatekeeper/{name}", Host="other.example")
            assert (answer.status, b"Misdirected" in answer.body) == (421, True)
        assert gatekeeper.get("/.well-known/gatekeeper/health", Host="other.example").status == 200
        assert origin.seen == second.seen == []


def test_sites_come_change_and_go_with_a_reload(tmp_path: Path, origin: Origin, second: Origin) -> None:
    file = tmp_path / "sites.toml"
    file.write_text(f'[[site]]\nhosts = ["shop.example"]\nupstream.url = "{origin.url}"\n')
    with running(file) as gatekeeper:
        kept = connect(gatekeeper.address)

        def ask(host: str) -> int:
            # On one connection: what it remembers of a host must not outlive the reload.
            kept.request("GET", "/", headers={"Host": host})
            response = kept.getresponse()
            response.read()
            return response.status

        assert ask("shop.example") == 200
        file.write_text(
            f'[[site]]\nhosts = ["shop.example"]\nupstream.url = "{second.url}"\n'
            f'[[site]]\nhosts = ["new.example"]\nupstream.url = "{origin.url}"\n'
        )
        gatekeeper.send(signal.SIGHUP)
        assert "2 sites" in gatekeeper.says("reloaded: ")
        assert ask("shop.example") == 200
        assert ask("new.example") == 200
        assert ([one["host"] for one in origin.fields], [one["host"] for one in second.fields]) == (
            ["shop.example", "new.example"],
            ["shop.example"],
        )
        file.write_text(f'[[site]]\nhosts = ["new.example"]\nupstream.url = "{origin.url}"\n')
        gatekeeper.send(signal.SIGHUP)
        gatekeeper.says("reloaded: ", times=2)
        assert ask("new.example") == 200
        assert ask("shop.example") == 421
        kept.close()


def test_a_reload_that_cannot_be_taken_leaves_every_site_as_it_was(
    tmp_path: Path, origin: Origin, second: Origin
) -> None:
    file = tmp_path / "sites.toml"
    file.write_text(two(origin, second))
    with running(file) as gatekeeper:
        file.write_text(
            two(origin, second) + '[[site]]\nhosts = ["shop.example"]\nupstream = { url = "https://a", ca = "/no" }\n'
        )
        gatekeeper.send(signal.SIGHUP)
        gatekeeper.says("is already a host of site")
        assert gatekeeper.get(Host="shop.example").status == 200
        file.write_text(two(origin, second) + '[[site]]\nhosts = ["c"]\nupstream = { url = "https://a", ca = "/no" }\n')
        gatekeeper.send(signal.SIGHUP)
        gatekeeper.says(r"site\[2\]\.upstream\.ca: \"/no\" cannot be read")
        assert gatekeeper.get(Host="c").status == 421


def test_what_runs_to_its_end_on_an_upstream_that_goes(tmp_path: Path, origin: Origin) -> None:
    file = tmp_path / "sites.toml"
    file.write_text(f'[[site]]\nhosts = ["shop.example"]\nupstream.url = "{origin.url}"\n')
    with running(file) as gatekeeper:
        visit = connect(gatekeeper.address)
        visit.request("GET", "/slow", headers={"Host": "shop.example"})
        response = visit.getresponse()
        assert origin.under_way.wait(30)
        file.write_text('[[site]]\nhosts = ["other.example"]\nupstream.url = "http://127.0.0.1:9"\n')
        gatekeeper.send(signal.SIGHUP)
        gatekeeper.says("reloaded: ")
        assert gatekeeper.get(Host="shop.example").status == 421
        origin.go_on.set()
        assert response.read() == b"halfhalf"
        visit.close()


def test_a_changed_upstream_at_the_top_level_is_taken_with_a_reload_too(
    start: Start, tmp_path: Path, origin: Origin, second: Origin
) -> None:
    file = tmp_path / "one.toml"
    file.write_text(f'[upstream]\nurl = "{origin.url}"\n')
    gatekeeper = start("--config", str(file), upstream="").ready()
    gatekeeper.get()
    file.write_text(f'[upstream]\nurl = "{second.url}"\n')
    gatekeeper.send(signal.SIGHUP)
    gatekeeper.says("reloaded: ")
    until(lambda: gatekeeper.get().status == 200)
    assert (len(origin.seen), len(second.seen)) == (1, 1)


def test_what_is_not_enforced_is_told_for_each_mode(tmp_path: Path, file: Path) -> None:
    with running(file) as gatekeeper:
        line = "Nothing is enforced for blog: report-only says what would be blocked, and every cookie passes."
        gatekeeper.says(line)
        assert not any("for hosts" in one for one in gatekeeper.err)
    with running(file, "--mode", "off", "--upstream", OTHER) as gatekeeper:
        gatekeeper.says("Nothing is enforced: in mode off no cookie is looked at, and every cookie passes.")
