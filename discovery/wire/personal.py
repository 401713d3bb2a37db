"""Part of station 2: does a name belong to a person's own device? Such names are counted and never stored.

Pure. A hospital's network carries the telephones of patients and staff; their names are none of our business.
"""

import re

# What people carry, and how they call what is theirs: Anna's PC.
_CARRIED = re.compile(
    r"i-?(?:phone|pad|pod)|macbook|apple.?watch|air.?pods|galaxy[ _-]?(?:[asz][0-9]|note|tab|watch|buds)"
    r"|pixel.?[0-9]|oneplus|xiaomi|redmi|huawei.?p[0-9]|fitbit",
    re.IGNORECASE,
)
_POSSESSIVE = re.compile(r"[A-Za-zÀ-ÿ]['’`´]s\b")


def is_personal(name: str) -> bool:
    """Whether a host or instance name looks like somebody's own: a device that people carry, or a possessive."""
    return _CARRIED.search(name) is not None or _POSSESSIVE.search(name) is not None


def is_carried(text: str) -> bool:
    """Whether a text names a model that people carry, whoever owns it."""
    return _CARRIED.search(text) is not None
