"""Station 3: cards, and the pure function that turns an observation into a claim.

`load_cards()` reads the shipped cards, `recognise` applies them, `further_asks` says which OIDs a device that has
stated its system group is worth asking. The card format is docs/guides/cards.md.
"""

import functools
import hashlib
import itertools
from collections.abc import Iterable
from importlib.resources import files

from discovery.fingerprints.card import Ask, Card, CardError, Maturity, parse_cards
from discovery.fingerprints.engine import CardSet, further_asks, recognise

__all__ = ["Ask", "Card", "CardError", "CardSet", "Maturity", "card_set", "further_asks", "load_cards", "recognise"]


@functools.cache
def load_cards() -> CardSet:
    """The shipped cards, read once; CardError names the file and card that breaks a rule."""
    directory = files(__package__).joinpath("cards")
    names = sorted(entry.name for entry in directory.iterdir() if entry.name.endswith(".yaml"))
    return card_set(
        card for name in names for card in parse_cards(directory.joinpath(name).read_text("utf-8"), origin=name)
    )


def card_set(cards: Iterable[Card]) -> CardSet:
    """A set of cards; CardError when two share an id."""
    ordered = tuple(sorted(cards, key=lambda card: card.id))
    for one, other in itertools.pairwise(ordered):
        if one.id == other.id:
            raise CardError(f"reading cards: two cards have the id {one.id}")
    digest = hashlib.sha256(" ".join(card.version for card in ordered).encode()).hexdigest()[:12]
    return CardSet(ordered, digest)
