"""The exchange formats (care-graph/1, scenario/1, result/1, ranking/1 ...): JSON documents to values and back. Pure.

`parsing` reads and refuses, naming the place; `documents` writes; `reading` has the checks both kinds of object share.
"""

from riskdb.exchange.documents import (
    cold_start_document,
    cut_sets_document,
    graph_document,
    ranking_document,
    result_document,
    scenario_document,
)
from riskdb.exchange.parsing import parse_graph, parse_scenario
from riskdb.exchange.reading import ExchangeError

__all__ = [
    "ExchangeError",
    "cold_start_document",
    "cut_sets_document",
    "graph_document",
    "parse_graph",
    "parse_scenario",
    "ranking_document",
    "result_document",
    "scenario_document",
]
