"""The shipped cards keep their own promises: each wins its examples, none claims another's."""

import time
from datetime import UTC, datetime

import pytest

from discovery.fingerprints import Card, load_cards, recognise
from discovery.fingerprints.pattern import TEXT_CHARS_MAX
from riskdb.model.ids import AgentId, EstablishmentId
from riskdb.model.observation import Observation, Protocol, observe

CARDS = load_cards()
EXAMPLES = [
    pytest.param(card, example, id=f"{card.id}-{index}")
    for card in CARDS.cards
    for index, example in enumerate(card.examples)
]
PATTERN_S_MAX = 0.05  # for one pattern on the worst text we can make of an example


def heard(facts: dict[str, str]) -> Observation:
    protocol = Protocol.MDNS if any(f.startswith("mdns.") for f in facts) else Protocol.SNMP
    return observe(
        establishment=EstablishmentId(1),
        agent=AgentId("test"),
        seen_at=datetime(2026, 1, 1, tzinfo=UTC),
        address="127.0.0.1",
        mac=None,
        protocol=protocol,
        facts=facts,
    )


@pytest.mark.parametrize(("card", "example"), EXAMPLES)
def test_each_card_wins_its_own_example_and_reads_what_it_promises(card: Card, example: object) -> None:
    claim = recognise(heard(dict(example.given)), CARDS)  # type: ignore[attr-defined]
    assert claim.card == card.id
    promised = example.gives  # type: ignore[attr-defined]
    assert {field: getattr(claim, field) for field in promised} == dict(promised)
    assert claim.category == card.category
    assert claim.device_type == card.device_type


@pytest.mark.parametrize("card", [c for c in CARDS.cards if c.never], ids=lambda c: c.id)
def test_no_card_matches_what_it_says_it_never_does(card: Card) -> None:
    for facts in card.never:
        assert card.id not in recognise(heard(dict(facts)), CARDS).cards


@pytest.mark.parametrize("card", CARDS.cards, ids=lambda c: c.id)
def test_no_pattern_takes_long_on_a_text_made_to_hurt_it(card: Card) -> None:
    patterns = [r.pattern for m in card.match for r in m] + [r.pattern for r in card.reads]
    values = [value for example in card.examples for value in example.given.values()]
    hostile = {
        (value[:cut] + filler * TEXT_CHARS_MAX)[: TEXT_CHARS_MAX - 1] + "\x00"
        for value in values
        for cut in {0, len(value) // 2, len(value)}
        for filler in {value[cut - 1 : cut] or "a", "0", " ", "a 1."}
    }
    for pattern in patterns:
        for text in hostile:
            started = time.perf_counter()
            pattern.match(text)
            assert time.perf_counter() - started < PATTERN_S_MAX, (pattern.pattern, text[:80])
