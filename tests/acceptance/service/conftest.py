"""A service on a fresh database, a client for each role, and a hospital of ten devices to ask about."""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest
import pytest_asyncio
import structlog
from aiohttp.test_utils import TestClient, TestServer

from riskdb.model.batch import FORMAT
from riskdb.model.ids import EstablishmentId
from riskdb.store.pool import open_pool
from riskdb.store.statements import Pool
from riskdb.store.tokens import Role
from service.app import create_app
from service.bootstrap import make_token
from service.logs import configure_logs
from service.settings import Settings

UNITS = """unit_id;name;unit_type;beds
icu-a;Réanimation A;icu;8
ward-1;Médecine 1;ward;24
dc;Salle serveurs;datacentre;0
"""
ASSETS = """asset_tag,name,device_type,manufacturer,model,serial,mac,address,hostname,unit_id
B1,PUMP-1,lvp_pump,Acme,GP1,S-001,00:1b:c5:00:00:01,10.1.0.1,,icu-a
B2,PUMP-2,lvp_pump,Acme,GP1,S-002,00:1b:c5:00:00:02,10.1.0.2,,icu-a
B3,PUMP-3,lvp_pump,Acme,GP1,S-003,00:1b:c5:00:00:03,10.1.0.3,,ward-1
B4,PUMP-4,lvp_pump,Acme,GP1,S-004,00:1b:c5:00:00:04,10.1.0.4,,ward-1
B5,MONITOR-1,patient_monitor,Acme,PM9,S-005,00:1b:c5:00:00:05,10.1.0.5,,icu-a
B6,MONITOR-2,patient_monitor,Acme,PM9,S-006,00:1b:c5:00:00:06,10.1.0.6,,icu-a
I1,PUMPSRV,infusion_server,Acme,GS2,S-101,00:1b:c5:00:01:01,10.2.0.1,pumpsrv,dc
I2,EHR,ehr,Softmed,Chart,S-102,00:1b:c5:00:01:02,10.2.0.2,ehr,dc
I3,DIRECTORY,directory,Softcorp,DS,S-103,00:1b:c5:00:01:03,10.2.0.3,dc1,dc
I4,CORE,core_switch,Netco,C9,S-104,00:1b:c5:00:01:04,10.2.0.4,core,dc
"""
DEVICES = 10
PUMP_MAC = "00:1b:c5:00:00:01"


@dataclass
class Reply:
    """An answer, read."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class Person:
    """Somebody with a token, or nobody."""

    client: TestClient[Any, Any]
    secret: str | None
    headers: dict[str, str] = field(default_factory=dict)

    async def ask(self, method: str, path: str, **kwargs: Any) -> Reply:
        headers = {**self.headers, **kwargs.pop("headers", {})}
        if self.secret is not None:
            headers.setdefault("Authorization", f"Bearer {self.secret}")
        async with self.client.request(method, path, headers=headers, **kwargs) as response:
            return Reply(response.status, response.headers, await response.read())

    async def get(self, path: str, **kwargs: Any) -> Reply:
        return await self.ask("GET", path, **kwargs)

    async def hand_over(self, *rows: Any, identifier: str | None = None) -> Reply:
        document = {"format": FORMAT, "id": identifier or uuid4().hex, "observations": list(rows)}
        return await self.ask("POST", "/v1/observations", json=document)

    async def post_csv(self, path: str, text: str) -> Reply:
        return await self.ask("POST", path, data=text.encode(), headers={"Content-Type": "text/csv"})


@dataclass
class Service:
    """A running service and its people."""

    client: TestClient[Any, Any]
    pool: Pool
    hospital: EstablishmentId
    people: dict[Role, Person]
    nobody: Person

    def __getitem__(self, role: Role) -> Person:
        return self.people[role]

    async def wait_for_job(self, job: str) -> Any:
        """The job once it has ended; the worker runs in this loop, so asking lets it work."""
        while (told := (await self[Role.ADMIN].get(f"/v1/jobs/{job}")).json)["state"] in ("waiting", "running"):
            pass
        return told

    async def run(self, kind: str = "reidentify") -> Any:
        reply = await self[Role.ADMIN].ask("POST", "/v1/jobs", json={"kind": kind})
        assert reply.status == 202, reply.body
        return await self.wait_for_job(reply.json["id"])


@pytest.fixture(autouse=True)
def logs_as_the_service_writes_them() -> Iterator[None]:
    configure_logs(as_json=True)
    yield
    structlog.reset_defaults()


@pytest.fixture
def settings(database: Any, tmp_path: Path) -> Settings:
    return Settings(state=tmp_path / "state", port=0, database_url=database.service_url)


@pytest_asyncio.fixture
async def service(settings: Settings, hospital: EstablishmentId) -> AsyncIterator[Service]:
    assert settings.database_url is not None
    async with TestClient(TestServer(await create_app(settings))) as client:
        pool = await open_pool(settings.database_url)
        secrets = {role: (await make_token(pool, hospital, role=role, name=role.value)).secret for role in Role}
        people = {role: Person(client, secret) for role, secret in secrets.items()}
        yield Service(client, pool, hospital, people, Person(client, None))
        await pool.close()


@pytest_asyncio.fixture
async def tiny(service: Service) -> Service:
    """The service with ten devices on file, one of them also seen behind the core switch; settled and ranked."""
    for kind, text in (("units", UNITS), ("assets", ASSETS)):
        reply = await service[Role.BIOMED].post_csv(f"/v1/imports/{kind}", text)
        assert reply.json["rejected"] == [], reply.body
    seen = {"seen_at": "2026-11-20T08:00:00Z", "address": None, "mac": PUMP_MAC, "protocol": "bridge"}
    where = {"seen_by.address": "10.2.0.4", "seen_by.port": "Gi1/0/7"}
    reply = await service[Role.AGENT].hand_over({**seen, "facts": where})
    assert reply.json["accepted"] == 1, reply.body
    job = await service.run()
    assert job["state"] == "done", job
    return service
