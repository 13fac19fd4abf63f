"""Whose a declaration is that is passed on: taken with the message, given up where it had no effect."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.store import (
    Declaration,
    DeclarationType,
    claim_declaration,
    close_relayed,
    find_relayed,
    free_relayed,
    give_up_claim,
    open_relayed,
)

CHED = "CHEDP.XI.2026.0000001"
MINE = Declaration(DeclarationType.MRN, "26XI0000000000A1")
LRN = Declaration(DeclarationType.LRN, MINE.number.lower())
AT = datetime(2026, 11, 22, 10, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def claim(store):
    def claim(partner, exchange_id, at=AT, declaration=MINE):
        return store.write(
            lambda connection: claim_declaration(
                connection, CHED, declaration, partner=partner, at=at, exchange_id=exchange_id
            )
        )

    return claim


def known(store, declaration=MINE):
    with store.read() as connection:
        return find_relayed(connection, CHED, declaration)


def opened(store):
    with store.read() as connection:
        return [each.exchange_id for each in open_relayed(connection, limit=10)]


def give_up(store, exchange_id, before, *, judged):
    store.write(lambda connection: give_up_claim(connection, exchange_id, before, judged=judged))


def test_it_is_taken_once_and_stays_with_who_took_it(store, claim):
    assert claim("a", "1") is None
    assert claim("b", "2", AT + SECOND).partner == "a"
    store.write(lambda connection: close_relayed(connection, "1"))
    assert claim("b", "2", AT + SECOND).partner == "a"
    assert claim("a", "3") is None
    assert claim("a", "4", AT - SECOND).sent_at == AT
    assert opened(store) == ["3"]


def test_what_had_no_effect_leaves_it_as_it_was(store, claim):
    claim("a", "1")
    give_up(store, "1", None, judged=False)
    assert known(store) is None
    claim("a", "2")
    give_up(store, "2", None, judged=True)
    assert (known(store).owned, known(store).sent_at) == (False, AT)
    assert claim("a", "3", AT - SECOND).sent_at == AT
    assert claim("b", "4", AT - SECOND) is None
    before = known(store)
    assert claim("b", "5", AT + SECOND) is None
    give_up(store, "5", before, judged=False)
    assert known(store) == before
    assert opened(store) == ["4"]


def test_an_lrn_is_not_put_beside_the_mrn_of_another_system(store, claim):
    claim("a", "1")
    assert claim("b", "2", declaration=LRN).declaration == MINE
    assert claim("a", "3", declaration=LRN) is None


def test_it_is_freed_once(store, claim):
    claim("a", "1")
    free = lambda: store.write(lambda connection: free_relayed(connection, CHED, MINE))  # noqa: E731 - said twice
    assert (free(), free()) == ("a", "")
    assert claim("b", "2", AT - SECOND) is None
