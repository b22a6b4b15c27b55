"""Which address comes next, and what is told of an upstream's health, at times that are made up."""

import pytest

from gatekeeper.proxy.plane.addresses import LONGEST_REST, LOOKED_UP_FOR, QUIET, SHORTEST_REST, Addresses, Health


@pytest.fixture
def three() -> Addresses[str]:
    addresses: Addresses[str] = Addresses()
    addresses.learn(["a", "b", "c"], 0)
    return addresses


def test_nothing_is_known_before_the_first_look_up() -> None:
    addresses: Addresses[str] = Addresses()
    assert (addresses.known, addresses.in_turn(0), addresses.are_fresh(0)) == ((), (), False)


def test_what_was_looked_up_is_fresh_for_a_while() -> None:
    addresses: Addresses[str] = Addresses()
    addresses.learn(["a"], 100)
    assert addresses.are_fresh(100 + LOOKED_UP_FOR - 1)
    assert not addresses.are_fresh(100 + LOOKED_UP_FOR)
    addresses.learn(["a"], 100, valid=float("inf"))
    assert addresses.are_fresh(1e12)


def test_each_address_has_its_turn(three: Addresses[str]) -> None:
    assert [three.in_turn(0) for _ in range(4)] == [
        ("a", "b", "c"),
        ("b", "c", "a"),
        ("c", "a", "b"),
        ("a", "b", "c"),
    ]


def test_an_address_that_a_look_up_names_twice_has_one_turn() -> None:
    addresses: Addresses[str] = Addresses()
    addresses.learn(["a", "b", "a"], 0)
    assert [addresses.in_turn(0)[0] for _ in range(4)] == ["a", "b", "a", "b"]


def test_an_address_that_failed_is_tried_last_while_it_rests(three: Addresses[str]) -> None:
    three.failed("a", 0)
    assert [three.in_turn(SHORTEST_REST / 2)[-1] for _ in range(4)] == ["a"] * 4
    assert {three.in_turn(SHORTEST_REST / 2)[0] for _ in range(4)} == {"b", "c"}


def test_after_its_rest_one_request_tries_it_first_and_the_others_do_not(three: Addresses[str]) -> None:
    three.failed("a", 0)
    after = SHORTEST_REST
    assert three.in_turn(after)[0] == "a"
    assert "a" not in [three.in_turn(after)[0] for _ in range(10)]


def test_whoever_is_back_has_its_turns_again(three: Addresses[str]) -> None:
    three.failed("a", 0)
    three.in_turn(SHORTEST_REST)
    assert three.succeeded("a")
    assert {three.in_turn(SHORTEST_REST)[0] for _ in range(3)} == {"a", "b", "c"}


def test_each_further_failure_makes_the_rest_twice_as_long_up_to_a_limit(three: Addresses[str]) -> None:
    now, lengths = 0.0, []
    three.failed("a", now)
    for _ in range(8):
        begun = now
        while three.in_turn(now)[0] != "a":
            now += 0.25
        lengths.append(now - begun)
        three.failed("a", now)
    assert lengths == [1, 2, 4, 8, 16, 30, 30, 30]
    assert (SHORTEST_REST, LONGEST_REST) == (1, 30)


def test_many_failures_at_once_count_as_one(three: Addresses[str]) -> None:
    for _ in range(100):
        three.failed("a", 0)
    assert three.in_turn(SHORTEST_REST)[0] == "a"


def test_when_all_rest_all_are_tried_beginning_with_the_one_whose_rest_ends_first(three: Addresses[str]) -> None:
    for now, address in enumerate("bca"):
        three.failed(address, now / 10)
    assert [three.in_turn(0.5) for _ in range(3)] == [("b", "c", "a")] * 3
    assert [three.in_turn(9) for _ in range(3)] == [("b", "c", "a")] * 3


def test_the_only_address_is_always_tried() -> None:
    addresses: Addresses[str] = Addresses()
    addresses.learn(["a"], 0)
    addresses.failed("a", 0)
    assert addresses.in_turn(0) == ("a",)


def test_a_failure_and_a_success_are_news_once(three: Addresses[str]) -> None:
    assert [three.failed("a", 0), three.failed("a", 0), three.failed("a", 50)] == [True, False, False]
    assert [three.succeeded("a"), three.succeeded("a")] == [True, False]


def test_a_new_look_up_keeps_what_is_known_of_an_address_and_forgets_those_that_are_gone(
    three: Addresses[str],
) -> None:
    three.failed("a", 0)
    three.failed("b", 0)
    three.learn(["a", "d"], 0)
    assert [three.in_turn(0) for _ in range(3)] == [("d", "a")] * 3
    assert not three.failed("a", 0)
    three.learn(["a", "b"], 0)
    assert three.failed("b", 0)


def test_a_turn_stays_within_a_look_up_that_gave_fewer(three: Addresses[str]) -> None:
    for _ in range(3):
        three.in_turn(0)
    three.learn(["a", "b"], 0)
    assert {three.in_turn(0)[0] for _ in range(2)} == {"a", "b"}


def test_an_upstream_that_is_up_is_told_of_only_after_it_was_down() -> None:
    health = Health()
    assert not health.succeeded(0)
    assert [health.failed(1), health.failed(2), health.failed(99)] == [True, False, False]
    assert [health.succeeded(100), health.succeeded(101)] == [True, False]


def test_an_upstream_that_comes_and_goes_is_told_of_in_long_intervals() -> None:
    health = Health()
    told = [(health.failed(now / 10), health.succeeded(now / 10)) for now in range(100)]
    assert told.count((True, True)) == 100 / 10 / QUIET
    assert told.count((False, False)) == 100 - told.count((True, True))


def test_an_upstream_that_stays_down_after_it_was_back_for_a_moment_is_told_of() -> None:
    health = Health()
    health.failed(0)
    health.succeeded(1)
    assert not health.failed(2)
    assert health.failed(1 + QUIET)
