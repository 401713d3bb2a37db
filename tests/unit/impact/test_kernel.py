"""Which engine ranks a hospital, what it says of itself, and that a whole hospital has one truth."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.engine import hospital
from bench.identity import PREFIX, SITE, imported, looked_at
from discovery.fingerprints import load_cards, recognise
from discovery.sim.generate import generate
from discovery.sim.handout import papers_csv
from riskdb.graph import build_graph
from riskdb.identify import settle
from riskdb.impact import Network, compile, evaluate
from riskdb.impact.engine import KERNEL_FROM_NODES, REFERENCE, Engine, engine_for
from riskdb.impact.kernel_place import kernel_directory
from riskdb.imports import read_ports, read_rooms, read_units
from riskdb.knowledge import load_pack
from riskdb.model.asset import Sighting
from riskdb.model.care import CareGraph
from riskdb.model.scenario import Compromised, Down, Mode, Scenario
from riskdb.ranking import rank
from tests.unit.impact.ward import capability, graph, network, node, pathway, step

pytest.importorskip("numba", reason="the kernel needs numba (extra `service`)")


def kernel_engine(of: Network) -> Engine:
    engine = engine_for(of, kernel_from_nodes=0)
    assert engine.kernel is not None, engine.name
    return engine


def practice_hospital() -> CareGraph:
    made = generate(1, 1)
    papers, cards = papers_csv(made, PREFIX), load_cards()
    heard = [*imported(papers), *looked_at(made)]
    settled = settle(
        [Sighting(observation=one, claim=recognise(one, cards)) for one in heard],
        establishment=SITE,
        rooms=read_rooms(papers["rooms.csv"]).rows,
        ports=read_ports(papers["ports.csv"]).rows,
    )
    units = read_units(papers["units.csv"]).rows
    return build_graph(pack=load_pack(), assets=settled.assets, units=units, links=settled.links, declared=()).graph


@pytest.mark.parametrize("made", [practice_hospital, lambda: hospital(8)], ids=["practice", "generated"])
def test_both_engines_rank_a_whole_hospital_alike(made: Any) -> None:
    net = compile(made())
    found = rank(net, engine=kernel_engine(net))
    assert found.rows
    assert replace(found, computed_by="reference") == rank(net, engine=REFERENCE)


def test_a_hundred_pumps_that_stop_one_after_the_other_are_lost_one_after_the_other() -> None:
    names = [f"pump-{i}" for i in range(100)]
    wait = {name: (37 * i) % 5_000 for i, name in enumerate(names)}
    nodes = [node("power"), *(node(name, needs={"id": "power", "tolerance_min": wait[name]}) for name in names)]
    net = network(graph(nodes, [capability("infuse", names, 97)], [pathway(step("infuse"), census=3)]))
    scenarios = [
        Scenario(changes=(Down(node="power"),)),
        Scenario(changes=tuple(Compromised(node=name, mode=Mode.INTEGRITY, at_min=wait[name]) for name in names)),
    ]
    kernel = kernel_engine(net).kernel
    assert kernel is not None
    assert kernel.evaluate(scenarios) == evaluate(net, scenarios)


def test_unlike_pools_whose_shares_need_hundreds_of_bits_are_still_added_exactly() -> None:
    primes = [53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149]
    names = [f"pump-{i}" for i in range(max(primes))]
    pools = [capability(f"pool-{prime}", names[:prime], prime) for prime in primes]
    paths = [pathway(step(f"pool-{prime}"), identifier=f"p{prime}", census=1.7, arrivals_per_h=0.3) for prime in primes]
    net = network(graph([node(name) for name in names], pools, paths))
    assert net.total_parts.bit_length() > 128
    assert replace(rank(net, engine=kernel_engine(net)), computed_by="reference") == rank(net, engine=REFERENCE)


def test_a_share_too_fine_for_the_kernel_is_left_to_the_reference_and_it_says_so() -> None:
    fallback = {"served_share": 0.123456789}
    fine = network(graph([node("pump")], [capability("pump", ["pump"])], [pathway(step("pump", fallback=fallback))]))
    engine = engine_for(fine, kernel_from_nodes=0)
    assert engine.kernel is None
    assert engine.name == "reference (a share of 1 in 1000000000 is finer than 1 in 67108864)"


def many_nodes_ranked(setup: str, **environment: str) -> str:
    """In a fresh process: the engine's name for a network from which on the kernel serves, and if numba was needed."""
    program = f"""
import sys
{setup}
from riskdb.impact import compile
from riskdb.impact.engine import engine_for
from riskdb.model.care import CareGraph, Node
nodes = tuple(Node(id=str(i)) for i in range(NODES))
print(engine_for(compile(CareGraph(nodes=nodes, capabilities=(), pathways=()))).name, "numba" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=os.environ | environment
    )
    return done.stdout.strip()


def test_a_small_graph_does_not_wait_for_numba() -> None:
    assert many_nodes_ranked(f"NODES = {KERNEL_FROM_NODES - 1}") == "reference False"


def test_without_numba_the_reference_ranks_and_says_why() -> None:
    found = many_nodes_ranked(f"NODES = {KERNEL_FROM_NODES}; sys.modules['numba'] = None")
    assert found == "reference (numba is not installed) True"


def test_without_a_place_for_compiled_code_a_hospital_is_not_kept_waiting_for_the_compiler() -> None:
    found = many_nodes_ranked(f"NODES = {KERNEL_FROM_NODES}", NUMBA_CACHE_DIR="/dev/null/none")
    assert found.startswith("reference (no directory to keep the compiled kernel")


def test_compiled_code_lives_where_it_is_told_to_or_with_the_state_or_in_the_users_cache(tmp_path: Path) -> None:
    named, state, home = tmp_path / "named", tmp_path / "state", tmp_path / "cache"
    places = {"NUMBA_CACHE_DIR": str(named), "WARDGRAPH_STATE": str(state), "XDG_CACHE_HOME": str(home)}
    found = []
    for name in list(places):
        place = kernel_directory(places)
        assert place is not None
        found.append(place.parent)
        del places[name]
    assert found == [named, state / "numba", home / "wardgraph" / "numba"]


def test_where_nothing_can_be_written_nothing_is_kept() -> None:
    assert kernel_directory({"NUMBA_CACHE_DIR": "/dev/null/none"}) is None
