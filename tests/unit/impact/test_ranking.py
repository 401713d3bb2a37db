"""Who should worry us, in which order, and why (docs/guides/engine.md, ranking)."""

from typing import Any

from riskdb.exchange import ranking_document
from riskdb.model.impact import Ranking
from riskdb.model.scenario import Mode
from riskdb.ranking import rank
from tests.unit.impact.ward import capability, graph, network, node, pathway, step

Json = Any


def ranked(nodes: list[Json], *steps: Json, horizon: str = "7d", limit: int | None = None, **people: Json) -> Ranking:
    """A ranking of a unit where every node provides the capability of its own name."""
    own = [capability(one["id"], [one["id"]]) for one in nodes]
    unit = graph(nodes, own, [pathway(*steps, **({"census": 1} | people))])
    return rank(network(unit), horizon=horizon, limit=limit)


def ids(ranking: Ranking) -> list[str]:
    return [row.id for row in ranking.rows]


def test_only_assets_and_services_are_ranked_whatever_else_hurts() -> None:
    nodes = [node("pump"), node("ehr", kind="service"), node("power", kind="circuit"), node("paper", kind="manual")]
    ranking = ranked(nodes, step({"all": ["pump", "ehr", "power", "paper"]}))
    assert ids(ranking) == ["ehr", "pump"]
    assert [row.rank for row in ranking.rows] == [1, 2]


def test_the_score_is_that_of_the_worse_mode() -> None:
    lies_count = {"availability": 2, "integrity": 5, "confidentiality": 1}
    stops_count = {"availability": 5, "integrity": 2, "confidentiality": 1}
    ranking = ranked(
        [node("lab"), node("vent")],
        step("lab", "test", severity=lies_count, integrity_detected_after_min=43_200),
        step("vent", "breathe", severity=stops_count, integrity_detected_after_min=43_200),
    )
    assert [(row.id, row.mode, row.score) for row in ranking.rows] == [
        ("lab", Mode.INTEGRITY, 10.0),
        ("vent", Mode.AVAILABILITY, 10.0),
    ]
    assert ranking.rows[0].index[Mode.AVAILABILITY]["7d"] == 0.1


def test_of_two_equal_modes_it_is_availability() -> None:
    ranking = ranked([node("pump")], step("pump", integrity_detected_after_min=43_200))
    assert [(row.mode, row.score) for row in ranking.rows] == [(Mode.AVAILABILITY, 10.0)]


def test_scores_are_rounded_to_six_decimals() -> None:
    ranking = ranked([node("pump")], step("pump", severity=1, fallback={"served_share": 0.6666661}))
    assert ranking.rows[0].index[Mode.AVAILABILITY]["7d"] == 0.003333339
    assert ranking.rows[0].score == 0.013333  # found lying after a day, then withdrawn


def test_a_harm_that_rounds_to_nothing_has_no_rank() -> None:
    quiet = {"severity": 1, "integrity_detected_after_min": 0}
    assert ids(ranked([node("pump")], step("pump", fallback={"served_share": 0.9999}, **quiet))) == ["pump"]
    assert ids(ranked([node("pump")], step("pump", fallback={"served_share": 0.99999}, **quiet))) == []


def test_equal_scores_are_ordered_by_patients_within_thirty_days_then_by_id() -> None:
    nodes = [node("c"), node("b"), node("a")]
    later = {"served_share": 1, "holds_min": 20_000}
    units = graph(
        nodes,
        [capability(name, [name]) for name in "abc"],
        [pathway(step(name, severity=3, integrity_detected_after_min=0), identifier=name, census=1) for name in "abc"]
        + [pathway(step("b", severity=3, fallback=later, integrity_detected_after_min=0), identifier="late", census=5)],
    )
    ranking = rank(network(units))
    assert [(row.id, row.score) for row in ranking.rows] == [("b", 1.0), ("a", 1.0), ("c", 1.0)]


def test_what_alone_stops_care_of_severity_5_within_a_week_is_vital_whatever_its_score() -> None:
    def vital(**fields: Json) -> list[bool]:
        return [row.vital for row in ranked([node("pump")], step("pump", **fields), census=0.001).rows]

    assert vital() == [True]
    assert vital(severity=4) == [False]
    assert vital(severity={"availability": 4, "integrity": 5, "confidentiality": 5}) == [False]
    assert vital(tolerance_min=10_079) == [True]
    assert vital(tolerance_min=10_080) == [False]
    assert vital(fallback={"served_share": 1}) == [False]


def test_a_vital_week_is_a_week_for_every_horizon() -> None:
    late = step("pump", tolerance_min=600)
    assert [row.vital for row in ranked([node("pump")], late, horizon="1h").rows] == [True]
    assert [row.score for row in ranked([node("pump")], late, horizon="1h").rows] == [10.0]  # it lies at once
    assert ranked([node("pump")], late, horizon="1h").rows[0].mode is Mode.INTEGRITY


def test_who_exposes_records_is_a_list_of_its_own() -> None:
    nodes = [
        node("dc", manages=[{"id": "pacs", "delay_min": 60}, {"id": "ehr", "delay_min": 20_000}]),
        node("pacs", records=1200),
        node("ehr", kind="service", records=900),
        node("archive", kind="tape", records=5000),
        node("ris", records=900),
        node("pump"),
    ]
    ranking = ranked(nodes, step("pump"))
    assert [(leak.id, leak.records) for leak in ranking.confidentiality] == [
        ("dc", 1200),
        ("pacs", 1200),
        ("ehr", 900),
        ("ris", 900),
    ]
    assert ids(ranking) == ["pump"]
    within_an_hour = ranked(nodes, step("pump"), horizon="1h").confidentiality
    assert [leak.id for leak in within_an_hour] == ["pacs", "ehr", "ris"]


def test_a_row_carries_its_reason() -> None:
    ranking = ranked([node("server", manages=["pump"]), node("pump")], step("pump"))
    row = next(row for row in ranking.rows if row.id == "server")
    assert row.reason.pathways == ("icu",)
    assert [(event.kind.value, event.subject, event.at_min) for event in row.reason.chains[0].events] == [
        ("lost", "icu", 1440),
        ("short", "infuse", 1440),
        ("short", "pump", 1440),
        ("lying", "pump", 0),
        ("taken", "pump", 0),
        ("taken", "server", 0),
    ]
    assert row.patients_affected["7d"] == 1.0


def test_a_limit_shortens_the_list_and_not_the_order() -> None:
    nodes = [node("a"), node("b"), node("c")]
    steps = [step("c", "one", severity=5), step("a", "two", severity=4), step("b", "three", severity=3)]
    assert ids(ranked(nodes, *steps, limit=2)) == ["c", "a"] == ids(ranked(nodes, *steps))[:2]


def test_progress_is_told_node_by_node() -> None:
    seen: list[tuple[int, int]] = []
    unit = graph([node("a"), node("b"), node("power", kind="circuit")])
    rank(network(unit), on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


def test_the_document_holds_what_the_format_says_and_nothing_more() -> None:
    document = ranking_document(ranked([node("pump", records=3)], step("pump", severity=3)))
    assert list(document) == ["format", "horizon", "rows", "confidentiality"]
    (row,) = document["rows"]
    assert list(row) == ["rank", "id", "score", "mode", "vital", "index"]
    assert list(row["index"]) == ["availability", "integrity"]
    assert list(row["index"]["integrity"]) == ["1h", "4h", "24h", "72h", "7d", "30d"]
    assert document["confidentiality"] == [{"id": "pump", "records": 3}]
