"""Station 5: assets, declared facts and the knowledge pack in, the care graph out. Pure.

`build_graph` is the whole face. It runs the modules in this order: `inventory` takes stock, `links` resolves what was
declared and observed, `capabilities` finds the pools, `needs` and `control` draw the edges, `pathways` the care;
`evidence` keeps the reason for each edge and what is not known.
"""

from riskdb.graph.build import build_graph

__all__ = ["build_graph"]
