"""Station 6: a care graph and scenarios in, fire times and lost care out.

`compile` once, then `evaluate` for numbers and `explain` for causes. The meaning is in docs/guides/engine.md.
"""

from riskdb.impact.compile import compile
from riskdb.impact.evaluation import evaluate
from riskdb.impact.explain import explain
from riskdb.impact.network import Network
from riskdb.impact.reference import ScenarioError

__all__ = ["Network", "ScenarioError", "compile", "evaluate", "explain"]
