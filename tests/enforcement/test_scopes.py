"""The table of scopes: bounded, and nothing that matters is pushed out of it easily."""

from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.cookies.response import SetCookie, parse_set_cookie
from gatekeeper.enforcement.scopes import MAX_NAMES, MAX_SCOPES, Learned, Pool, Scope, Scopes, scope_in, scope_of

ROOT = Scope(None, b"/", False, False)


def names(scopes: Scopes, pool: Pool) -> set[bytes]:
    return {name for one, name, _ in scopes.entries() if one is pool}


def test_names_that_an_app_makes_up_push_out_none_that_the_operator_wrote() -> None:
    scopes = Scopes()
    scopes.learn(b"_ga", ROOT, Pool.EXACT)
    scopes.learn(b"_ga_1", ROOT, Pool.PATTERN)
    for number in range(3000):
        scopes.learn(b"n%d" % number, ROOT, Pool.UNLISTED)
        assert len(scopes._pools[Pool.UNLISTED]) <= MAX_NAMES[Pool.UNLISTED]
    assert names(scopes, Pool.EXACT) == {b"_ga"}
    assert names(scopes, Pool.PATTERN) == {b"_ga_1"}
    assert b"n2999" in names(scopes, Pool.UNLISTED)


def test_a_name_that_is_asked_for_outlives_those_that_are_not() -> None:
    scopes = Scopes()
    scopes.learn(b"real", ROOT, Pool.PATTERN)
    for number in range(3000):
        scopes.learn(b"n%d" % number, ROOT, Pool.PATTERN)
        if number % 100 == 0:
            assert scopes.of(b"real", Pool.PATTERN) == [ROOT]


def test_paths_that_an_app_makes_up_push_out_older_ones_of_the_same_name_alone() -> None:
    scopes = Scopes()
    scopes.learn(b"other", ROOT, Pool.EXACT)
    for number in range(100):
        scopes.learn(b"a", Scope(None, b"/%d" % number, False, False), Pool.EXACT)
        assert len(scopes.of(b"a", Pool.EXACT)) <= MAX_SCOPES
    assert scopes.of(b"a", Pool.EXACT)[0].path == b"/99"
    assert scopes.of(b"other", Pool.EXACT) == [ROOT]


def test_what_is_known_changes_nothing() -> None:
    scopes = Scopes()
    scopes.learn(b"a", ROOT, Pool.EXACT)
    before = scopes.version
    scopes.learn(b"a", ROOT, Pool.EXACT)
    scopes.learn(b"a", ROOT._replace(secure=True), Pool.EXACT)  # one without Secure reaches both
    assert scopes.version == before
    scopes.learn(b"b", ROOT, Pool.EXACT)
    assert scopes.version > before


def test_what_others_learned_is_taken_in_where_there_is_room() -> None:
    scopes = Scopes()
    scopes.learn(b"own", ROOT, Pool.UNLISTED)
    for number in range(MAX_SCOPES - 1):
        scopes.learn(b"own", Scope(None, b"/%d" % number, False, False), Pool.UNLISTED)
    own = scopes.of(b"own", Pool.UNLISTED)
    scopes.add([(Pool.UNLISTED, b"own", Scope(None, b"/more", False, False))])
    assert scopes.of(b"own", Pool.UNLISTED) == own
    scopes.add((Pool.UNLISTED, b"n%d" % number, ROOT) for number in range(1000))
    assert len(names(scopes, Pool.UNLISTED)) == MAX_NAMES[Pool.UNLISTED]
    assert b"own" in names(scopes, Pool.UNLISTED)


def test_a_name_that_no_field_could_hold_is_not_learned() -> None:
    scopes = Scopes()
    for name in (b"", b"a;b", b"a=b", b"a b", b"a\x00", b"\xe4", b"x" * 257):
        scopes.learn(name, ROOT, Pool.EXACT)
    assert list(scopes.entries()) == []


def test_the_version_of_all_sites_changes_with_each() -> None:
    learned = Learned()
    before = learned.version
    learned.of("a").learn(b"a", ROOT, Pool.EXACT)
    assert learned.of("a") is learned.of("a")
    assert learned.version > before


AVS = [
    b"Path=/a",
    b"path = /b",
    b"Path=/" + b"x" * 1100,
    b"Domain=.X.example",
    b"Secure",
    b"secure=0",
    b"Partitioned",
    b"Max-Age=0",
    b"Expires=Wed, 09 Dec 2026 10:00:00 GMT",
    b" EXPIRES =x",
    b"expires",
    b"xexpires=/",
    b"",
]


@given(st.lists(st.sampled_from(AVS).flatmap(lambda av: st.sampled_from([av, b" " + av, av + b"\t"])), max_size=6))
def test_what_attributes_tell_by_themselves_is_what_the_field_tells(attributes: list[bytes]) -> None:
    rest = b";".join(attributes)
    cookie = parse_set_cookie(b"x=1;" + rest)
    assert isinstance(cookie, SetCookie)
    assert scope_in(rest) == scope_of(cookie)


def test_attributes_of_no_cookie_tell_nothing() -> None:
    assert scope_in(b"Path=/\x01") is None
