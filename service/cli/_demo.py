"""The demo's acts, in order: database, service, hospital, papers, discovery, pipeline, score. It prints nothing itself.

The hospital's truth stays in this process and in the simulator's; service and agent are programs of their own, and the
agent runs sealed: it cannot open the hospital's files.
"""

import asyncio
import hashlib
import shutil
import socket
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

import discovery.sim
from discovery.sim.handout import papers_csv, policy_plan
from discovery.sim.hospital import Hospital
from discovery.sim.score import answer_of, score
from riskdb.model.ids import EstablishmentId
from riskdb.store import assets, observations
from riskdb.store.migrate import migrate
from riskdb.store.pool import open_pool, scope
from riskdb.store.statements import Pool
from riskdb.store.tokens import Role
from service import embedded
from service.bootstrap import ensure_establishment, ensure_token_files
from service.cli._stage import Api, DemoError, NotYetError, Program, Teller, program
from service.jobs.pipeline import run_pipeline
from service.sentences import Language

ESTABLISHMENT = "Practice hospital"
DISCOVERY_S_MAX = 1_800  # size 20, at the pace that the budgets allow
LISTEN_S = 10.0  # the simulator repeats its announcements every four seconds
TOP_ROWS = 100  # of the document and of the first look


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What the acts share once database and service are up."""

    state: Path
    pool: Pool
    establishment: EstablishmentId
    api: Api
    service: Program
    url: str
    tokens: Mapping[Role, Path]  # files, readable by their owner alone
    tell: Teller


@asynccontextmanager
async def stage(state: Path, *, port: int, beds: int, tell: Teller) -> AsyncIterator[Stage]:
    """Database, migrations and service, up; all of it stopped again when the block ends."""
    with tell.timed("database"):
        tell.say("starting the private PostgreSQL")
        server = await asyncio.to_thread(embedded.start, state)
    try:
        with tell.timed("database"):
            await migrate(server.owner_url, on_step=lambda name: tell.say(f"migrating: {name}"))
        async with _closing(await open_pool(server.service_url)) as pool:
            establishment = (await ensure_establishment(pool, name=ESTABLISHMENT, beds=beds)).id
            tokens = await ensure_token_files(pool, establishment, state, roles=(Role.ADMIN, Role.AGENT))
            url = f"http://127.0.0.1:{port}"
            environment = {
                "DATABASE_URL": server.service_url,
                "WARDGRAPH_OWNER_URL": server.owner_url,
                "WARDGRAPH_FOLLOW_S": "0",  # the demo runs the pipeline itself, to show its stages
            }
            arguments = ["service.cli.main", "serve", f"--state={state}", f"--port={port}"]
            async with (
                program("service", arguments, state=state, environment=environment) as service,
                Api.open(url, token=tokens[Role.ADMIN].read_text().strip()) as api,
            ):
                await api.wait_ready(service)
                tell.say(f"the service answers at {url}")
                yield Stage(
                    state=state,
                    pool=pool,
                    establishment=establishment,
                    api=api,
                    service=service,
                    url=url,
                    tokens=tokens,
                    tell=tell,
                )
    finally:
        await asyncio.to_thread(server.leave)


@asynccontextmanager
async def _closing(pool: Pool) -> AsyncIterator[Pool]:
    """A pool that is closed in the end."""
    try:
        yield pool
    finally:
        await pool.close()


def free_port(port: int | None) -> int:
    """A TCP port of this machine: the one that was asked for, else any; DemoError if it is busy."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port or 0))
        except OSError as error:
            raise DemoError(
                f"port {port} of this machine is busy; stop what holds it, or choose another with --port"
            ) from error
        return int(probe.getsockname()[1])


@asynccontextmanager
async def hospital_running(on: Stage, document: bytes) -> AsyncIterator[tuple[Program, dict[str, Any]]]:
    """The pretend devices, answering. They get the document by a pipe: it lies in no file that others could read."""
    place = on.state / "simulator"
    place.mkdir(exist_ok=True)
    arguments = ["service.cli.main", "simulate", "run", "--hospital=-", f"--state={place}"]
    async with program("simulator", arguments, state=on.state, stdin=document) as simulator:
        ready = await simulator.read_json(within_s=120)
        on.tell.say(f"{ready['devices']} devices answer in {ready['prefix']}, UDP port {ready['snmp_port']}")
        yield simulator, ready


async def hand_in_papers(on: Stage, hospital: Hospital, ready: Mapping[str, Any]) -> None:
    """The lists and decisions that the hospital's people have on file, through the API."""
    for name, content in papers_csv(hospital, ready["prefix"]).items():
        kind = name.partition(".")[0].partition("-")[0]
        query = {"source": name} if kind == "assets" else {}
        told = await on.api.call(
            "POST", f"/v1/imports/{kind}", params=query, data=content, headers={"Content-Type": "text/csv"}
        )
        refused = f", {len(told['rejected'])} refused" if told["rejected"] else ""
        on.tell.say(f"{name}: {told['accepted']} lines taken{refused}")
    plan = policy_plan(hospital, ready["prefix"], on.establishment, snmp_port=ready["snmp_port"])
    policy = {key: value for key, value in plan.items() if key not in ("format", "establishment")}
    await on.api.call("PUT", "/v1/policy", json=policy)


async def discover(on: Stage, *, hidden: Path | None) -> dict[str, Any]:
    """One look of the sealed agent at the network; its own report."""
    blind_to = [Path(discovery.sim.__file__).parent, on.state / "simulator", *([hidden] if hidden else [])]
    agent = ["--service", on.url, "--token-file", str(on.tokens[Role.AGENT]), "--state", str(on.state / "agent")]
    arguments = ["service.cli.sealed", *map(str, blind_to), "--", *agent, "--once", "--json"]
    arguments += ["--listen-s", str(LISTEN_S)]
    with on.tell.timed("discovery"):
        async with program("agent", arguments, state=on.state) as running:
            report = await running.read_json(within_s=DISCOVERY_S_MAX)
            code = await running.process.wait()
    if code != 0:
        raise DemoError(f"the agent failed:\n{running.last_words()}")
    on.tell.say(
        f"{report['observations']} observations from {report['packets_sent']} packets; "
        f"{report['refused']} questions refused by the safety gate"
    )
    return report


async def settle_and_rank(on: Stage) -> None:
    """Stations 3 to 7, as the service runs them; each stage is told as it comes."""
    told = ""

    def tell(stage: str, _share: float) -> None:
        nonlocal told
        if stage != told:
            told = stage
            on.tell.say(f"{stage} ...")

    report = await run_pipeline(on.pool, on.establishment, tell)
    for name, stages in _STAGES.items():
        on.tell.timings_s[name] = round(sum(report.timings_s.get(stage, 0.0) for stage in stages), 3)


_STAGES = {"identity": ("load", "recognise", "settle"), "graph": ("relate",), "engine": ("rank",)}


async def ranking(on: Stage, *, language: Language) -> dict[str, Any] | None:
    """The newest ranking as the API tells it; None before the first."""
    try:
        page: dict[str, Any] = await on.api.call(
            "GET", "/v1/ranking", params={"limit": TOP_ROWS, "lang": language.value}
        )
    except NotYetError:
        return None
    return page


async def scored(
    on: Stage,
    hospital: Hospital,
    *,
    prefix: str,
    agent: Mapping[str, Any],
    received: Mapping[str, Any],
    ranked: Mapping[str, Any],
) -> dict[str, Any]:
    """The demo's document: what was found beside what is true. Computed last, by the only part that sees both."""
    async with scope(on.pool, on.establishment) as connection:
        heard = await observations.load(connection, on.establishment)
        found = await assets.all_current(connection, on.establishment)
        unknown = await assets.count_unknown_claims(connection, on.establishment)
    parts = score(
        hospital,
        prefix,
        observations=heard,
        assets=[answer_of(asset) for asset in found],
        asset_of_observation={observation: asset.id for asset in found for observation in asset.observations},
        claims_unknown=unknown,
    )
    return {
        **parts,
        "safety": {
            "packets_sent": agent["packets_sent"],
            "packets_received_by_devices": received["packets_received_by_devices"],
            "refused": agent["refused"],
            "fragile_devices": received["fragile_devices"],
            "fragile_devices_disturbed": received["fragile_devices_disturbed"],
            "ledger_verified": agent["ledger_verified"],
        },
        "ranking": [_ranking_row(row) for row in ranked["items"]],
        "unreviewed_numbers": ranked["run"]["unreviewed_numbers"],
        "timings_s": {**on.tell.timings_s, "total": round(time.monotonic() - on.tell.started, 3)},
    }


def _ranking_row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"index": row["score"], **{key: row[key] for key in _ROW_KEYS}}


_ROW_KEYS = (
    "rank",
    "asset",
    "name",
    "device_type",
    "mode",
    "patients_affected",
    "patients_exposed",
    "pathways",
    "reason",
)


def digest_of(document: bytes) -> str:
    """Names a hospital, so that two hospitals never share one database."""
    return hashlib.sha256(document).hexdigest()[:8]


def read_counts(on: Stage) -> dict[str, Any]:
    """What the simulator counted, written when it stopped."""
    counts: dict[str, Any] = orjson.loads((on.state / "simulator" / "simulator.json").read_bytes())
    return counts


def forget(place: Path) -> None:
    """Remove what earlier runs left: the database, the agent's ledger and spool, the simulator's counts."""
    embedded.remove(place)
    for part in ("agent", "simulator"):
        shutil.rmtree(place / part, ignore_errors=True)
