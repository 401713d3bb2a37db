"""Why care is lost: the chain from the patients back to the change that started it."""

from typing import Any

from riskdb.exchange import parse_graph, parse_scenario
from riskdb.impact import compile, explain
from riskdb.model.impact import Chain, EventKind
from tests.unit.impact.ward import capability, down, graph, node, pathway, scenario, step, taken

Json = Any

WARD = graph(
    [
        node("dc", kind="service", manages=[{"id": "pump-server", "delay_min": 10}]),
        node("pump-server", kind="service", feeds=["pump-1", "pump-2"]),
        node("power-a", kind="circuit"),
        node("power-b", kind="circuit"),
        node("pump-1", needs={"any": [{"id": "power-a", "tolerance_min": 20}, "power-b"]}),
        node("pump-2", fails_safe_after_min=60),
        node("monitor"),
    ],
    [capability("infusion", ["pump-1", "pump-2"], 1), capability("watch", ["monitor"])],
    [
        pathway(step({"all": ["infusion", "watch"]}, tolerance_min=15), census=4),
        pathway(step("watch"), identifier="er", census=40),
    ],
)


def why(*changes: Json, limit: int = 20) -> tuple[Chain, ...]:
    parsed = parse_graph(WARD)
    return explain(compile(parsed), parse_scenario(scenario(*changes), graph=parsed), limit=limit)


def told(chain: Chain) -> list[tuple[str, str, int]]:
    return [(event.kind.value, event.subject, event.at_min) for event in chain.events]


def test_a_loss_is_followed_back_to_what_stopped() -> None:
    (chain,) = why(down("power-b", 5), down("power-a"), down("pump-2"))
    assert (chain.pathway, chain.step, chain.kind, chain.starts_at_min, chain.share) == (
        "icu",
        "infuse",
        EventKind.LOST,
        35,
        1.0,
    )
    assert told(chain) == [
        ("lost", "icu", 35),
        ("short", "infuse", 20),
        ("short", "infusion", 20),
        ("down", "pump-1", 20),
        ("down", "power-a", 0),
    ]


def test_what_fell_before_it_mattered_is_not_blamed() -> None:
    chain = why(down("pump-1"), down("pump-2", 30), down("monitor", 90))[1]
    assert told(chain)[3:] == [("down", "pump-2", 30)]


def test_lies_are_followed_back_to_who_was_taken() -> None:
    lost, exposed = why(taken("dc", "integrity"))
    assert told(exposed) == [
        ("exposed", "icu", 10),
        ("lying", "pump-1", 10),
        ("lying", "pump-server", 10),
        ("taken", "pump-server", 10),
        ("taken", "dc", 0),
    ]
    assert told(lost) == [
        ("lost", "icu", 1465),
        ("short", "infuse", 1450),
        ("short", "infusion", 1450),
        ("lying", "pump-1", 10),
        ("lying", "pump-server", 10),
        ("taken", "pump-server", 10),
        ("taken", "dc", 0),
    ]


def test_the_pathway_that_suffers_most_comes_first_and_the_limit_holds() -> None:
    assert [chain.pathway for chain in why(down("monitor"))] == ["er", "icu"]
    assert [chain.pathway for chain in why(down("monitor"), limit=1)] == ["er"]


def test_nothing_lost_nothing_to_explain() -> None:
    assert why(down("pump-1")) == ()
