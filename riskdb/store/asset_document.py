"""An asset as a JSON document and back, the digest of what we believe of it, and the words it is found by. Pure."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import orjson
from pydantic import TypeAdapter

from riskdb.model.asset import Asset, Attribute, AttributeName
from riskdb.model.ids import ObservationId

TOKEN_CHARS_MAX = 64
TOKENS_MAX = 64  # words of one asset; the wordiest sysDescr-made name has a dozen
_ADAPTER: TypeAdapter[Asset] = TypeAdapter(Asset)
_WORD = re.compile(r"[^\W_]+")
_FOUND_BY = (
    AttributeName.NAME,
    AttributeName.DEVICE_TYPE,
    AttributeName.MANUFACTURER,
    AttributeName.MODEL,
    AttributeName.SERIAL,
    AttributeName.ASSET_TAG,
    AttributeName.HOSTNAME,
    AttributeName.ADDRESS,
    AttributeName.MAC,
    AttributeName.UNIT,
    AttributeName.ROOM,
)


def to_document(asset: Asset) -> str:
    """The asset without its observations, which have rows of their own; equal assets give equal texts."""
    document = _ADAPTER.dump_python(replace(asset, observations=()), mode="json")
    document["keys"] = sorted(document["keys"], key=lambda key: (key["kind"], key["value"]))
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()


def from_document(document: str, observations: Iterable[str]) -> Asset:
    """The asset of a document, resting on these observations."""
    return replace(_ADAPTER.validate_json(document), observations=tuple(map(ObservationId, observations)))


def belief(asset: Asset) -> bytes:
    """The digest of values, sources, keys and conflicts: it stays when the same is merely seen again."""
    content = [
        sorted((name.value, *_stated(attribute)) for name, attribute in asset.attributes.items()),
        sorted((key.kind.value, key.value) for key in asset.keys),
        sorted([c.field, _stated(c.chosen), sorted(map(_stated, c.others))] for c in asset.conflicts),
    ]
    return hashlib.sha256(orjson.dumps(content)).digest()


def _stated(attribute: Attribute) -> tuple[str, str, bool]:
    return attribute.value, attribute.source, attribute.locked


def changed_fields(before: str, asset: Asset) -> tuple[AttributeName, ...]:
    """The names of the fields whose value differs from an earlier document."""
    earlier: dict[str, Any] = orjson.loads(before)["attributes"]
    old = {name: attribute["value"] for name, attribute in earlier.items()}
    new = {name.value: attribute.value for name, attribute in asset.attributes.items()}
    return tuple(name for name in AttributeName if old.get(name) != new.get(name))


def terms(text: str) -> list[str]:
    """What a person searches for, in parts that must all be found: lower-case, split at blanks, each once."""
    return list(dict.fromkeys(term[:TOKEN_CHARS_MAX] for term in text.lower().split()))


def squeezed(term: str) -> str:
    """A term without its punctuation: `00:1a:2b..`, `00-1a-2b..` and `001a.2b..` are one MAC."""
    return "".join(_WORD.findall(term))


def tokens(asset: Asset) -> list[str]:
    """The words an asset is found by: each term, the same without punctuation, and its parts.

    Not the parts of MACs and addresses, which would answer every search for a number.
    """
    found: dict[str, None] = {}
    for name in _FOUND_BY:
        for term in terms(asset.value(name) or ""):
            found[term] = None
            if name is not AttributeName.ADDRESS:
                found[squeezed(term)] = None
            if name not in (AttributeName.ADDRESS, AttributeName.MAC):
                found |= dict.fromkeys(_WORD.findall(term))
    return [token for token in found if token][:TOKENS_MAX]
