"""How much sooner the kernel has what the reference engine has, by size; each size in a process of its own.

Every asset taken in both modes, index and patients exact. In the same run the reference answers for all services, which
bring down much, and for an even sample of the rest, whose time is scaled; what the two say of these nodes is compared.
"""

import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from statistics import median
from typing import TypeVar

import numpy as np

from bench.engine import hospital
from riskdb.impact import Network, compile
from riskdb.impact.cutsets import cut_sets
from riskdb.impact.engine import REFERENCE, engine_for
from riskdb.impact.harm import harms, total_index, total_patients
from riskdb.impact.kernel import MODES, Kernel, Scores, wholes
from riskdb.impact.network import Happening
from riskdb.impact.reference import propagate
from riskdb.ranking import rank

WARDS = (392, 2_380)  # about 16,500 and 100,000 nodes
PAIR_WARDS = 80
NEAR = 40  # as many devices as a ward has
SAMPLE = 400
ROUNDS = 5
ROWS = 50
SEVEN_DAYS = 4
READS = 4_000_000
T = TypeVar("T")
IMPORT_NUMBA = """import time; t = time.perf_counter(); import numba
print(f"\\nimporting numba {time.perf_counter() - t:.2f} s")"""
FIRST_CALL = "from bench.kernel import first_call; first_call()"


def main() -> None:
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}"
    )
    for wards in WARDS:
        _fresh(f"from bench.kernel import measure; measure({wards})")
    _fresh("from bench.kernel import measure_pairs; measure_pairs()")
    with tempfile.TemporaryDirectory() as empty:
        _fresh(IMPORT_NUMBA)
        for what in ("nothing kept", "kept code"):
            print(f"\nfirst call, {what}:", flush=True)
            _fresh(FIRST_CALL, NUMBA_CACHE_DIR=empty)


def _fresh(program: str, **environment: str) -> None:
    sys.stdout.flush()
    subprocess.run([sys.executable, "-c", program], check=True, env=os.environ | environment)


def measure(wards: int) -> None:
    """Print what one size takes."""
    graph = hospital(wards)
    compile_s, network = _timed(lambda: compile(graph))
    before_mb = _peak_mb()
    arrays_s, kernel = _timed(lambda: _kernel(network))
    nodes = list(range(network.nodes))
    kernel.scores(nodes[:1], place=SEVEN_DAYS)  # the compiler's time is told apart
    services = [number for number in nodes if network.graph.nodes[number].kind == "service"]
    others = sorted(set(nodes) - set(services))
    sample = others[:: max(1, len(others) // SAMPLE)]
    walls, cpus, sampled_s, services_s = [], [], 0.0, 0.0
    for first in range(ROUNDS):
        cpu = time.process_time()
        wall, scores = _timed(lambda: kernel.scores(nodes, place=SEVEN_DAYS))
        walls.append(wall)
        cpus.append(time.process_time() - cpu)
        sampled_s += _check(network, scores, sample[first::ROUNDS])
        services_s += _check(network, scores, services[first::ROUNDS])
    wall, cpu = median(walls), median(cpus)
    reference = services_s + sampled_s / len(sample) * len(others)
    rank_s, _ = _timed(lambda: rank(network, limit=ROWS))
    edges = sum(map(len, network.edges))
    print(
        f"\n{network.nodes} nodes, {edges} edges, {len(network.steps)} steps\n"
        f"  reference, {len(services)} + {len(sample)} nodes asked {reference:10.2f} s\n"
        f"  kernel, all nodes          {wall * 1e3:10.1f} ms  {reference / wall:6.0f} times faster"
        f" ({reference / cpu:.0f} by processor time)\n"
        f"  `rank`, {ROWS} rows explained {rank_s:10.2f} s\n"
        f"  a scenario                 {cpu / len(nodes) / len(MODES) * 1e6:10.2f} us\n"
        f"  an edge visit, harm incl.  {cpu / scores.edge_visits * 1e9:10.1f} ns  ({scores.edge_visits} visits)\n"
        f"  a random read              {_random_read_ns():10.1f} ns\n"
        f"  graph to network           {compile_s:10.2f} s\n"
        f"  network to arrays          {arrays_s:10.2f} s\n"
        f"  peak memory                {_peak_mb():10.0f} MB, {_peak_mb() - before_mb:.0f} of them the kernel's"
    )


def measure_pairs() -> None:
    """Print what finding all dangerous pairs takes, outages and meetings included; both engines must find the same."""
    network = compile(hospital(PAIR_WARDS))
    engine = engine_for(network, kernel_from_nodes=0)
    _kernel(network).joint_indices([(0, 1)])
    kernel_s, found = _timed(lambda: cut_sets(network, engine=engine))
    reference_s, expected = _timed(lambda: cut_sets(network, engine=REFERENCE))
    assert found == expected
    devices = [number for number, node in enumerate(network.graph.nodes) if node.kind == "asset"]
    near = [pair for apart in range(1, NEAR) for pair in zip(devices, devices[apart:], strict=False)]
    near_s, _ = _timed(lambda: _kernel(network).joint_indices(near))
    print(f"\n{network.nodes} nodes, {len(found.pairs)} dangerous pairs")
    faster = reference_s / kernel_s
    print(f"  all of it: reference {reference_s:.1f} s, kernel {kernel_s:.1f} s ({faster:.0f} times faster)")
    print(f"  of the kernel, a pair of devices near each other: {near_s / len(near) * 1e6:.2f} us")


def first_call() -> None:
    """Print what importing numba and the first ranked hospital take in a new process."""
    network = compile(hospital(1))
    ready_s, kernel = _timed(lambda: _kernel(network))
    call_s, _ = _timed(lambda: kernel.scores(range(network.nodes), place=SEVEN_DAYS))
    print(f"  kernel ready in {ready_s:.2f} s, first call {call_s:.2f} s")


def _kernel(network: Network) -> Kernel:
    engine = engine_for(network, kernel_from_nodes=0)
    assert engine.kernel is not None, engine.name
    return engine.kernel


def _check(network: Network, scores: Scores, nodes: list[int]) -> float:
    """The seconds in which the reference says the same of some nodes."""
    took, expected = _timed(lambda: [_by_reference(network, node) for node in nodes])
    assert [_row(scores, node) for node in nodes] == expected
    return took


def _by_reference(network: Network, node: int) -> tuple[list[int], list[int]]:
    by_mode = [harms(network, propagate(network, [(0, Happening.TAKEN + node)], mode=mode)) for mode in MODES]
    patients = [total_patients(network, by_pathway) for by_pathway in by_mode]
    return (
        [total_index(network, by_pathway)[SEVEN_DAYS] for by_pathway in by_mode],
        [affected[-1] + exposed[-1] for affected, exposed in patients],
    )


def _row(scores: Scores, node: int) -> tuple[list[int], list[int]]:
    return wholes(scores.index[node]), wholes(scores.patients[node])


def _random_read_ns() -> float:
    values = np.arange(16_000_000, dtype=np.int32)
    places = np.random.default_rng(1).integers(0, len(values), READS)
    return _timed(lambda: values[places].sum())[0] / READS * 1e9


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    begun = time.perf_counter()
    done = work()
    return time.perf_counter() - begun, done
