"""Station 4: observations and their claims in, settled assets out, every join, doubt and refusal written down. Pure.

`settle` is the whole face. Its order: `keys` reads the evidence, `leases` binds addresses to MACs, `demotion` finds the
keys that name nobody, `wire` joins what the network says and `papers` what lists add (both in `groups`), `wiring` and
`links` say what hangs where, `ids` names the assets, `attributes` chooses their values, `report` writes it all down.
"""

from riskdb.identify.settle import settle
from riskdb.model.asset import Sighting

__all__ = ["Sighting", "settle"]
