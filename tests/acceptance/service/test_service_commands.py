"""The commands of the service, as people run them; when it goes wrong, one plain sentence."""

import asyncio
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from service.cli._online import online_ranking
from service.settings import Settings

UNITS = "unit_id,name,unit_type,beds\nicu-a,ICU A,icu,8\nward-1,Ward 1,ward,24\n"
ASSETS = (
    "asset_tag,name,device_type,manufacturer,serial,address,unit_id\n"
    "B1,PUMP-1,lvp_pump,Acme,S-1,10.1.0.1,icu-a\n"
    "B2,PUMP-2,lvp_pump,Acme,S-2,10.1.0.2,icu-a\n"
    "I1,DIRECTORY,directory,Softcorp,S-3,10.2.0.1,\n"
    "I2,EHR,ehr,Softmed,S-4,10.2.0.2,\n"
    "X,SHIP,spaceship,,S-5,,\n"
)


class Commands:
    """`wardgraph` with the environment of one database and state directory."""

    def __init__(self, settings: Settings) -> None:
        self.state = settings.state
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("WARDGRAPH_")},
            "DATABASE_URL": settings.database_url or "",
            "WARDGRAPH_STATE": str(settings.state),
        }

    def __call__(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "service.cli.main", *arguments],
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def json(self, *arguments: str) -> Any:
        done = self(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    @contextmanager
    def serving(self) -> Iterator[tuple[subprocess.Popen[str], str]]:
        process = subprocess.Popen(
            [sys.executable, "-m", "service.cli.main", "serve", "--port", "0"],
            env=self.environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        try:
            for line in process.stderr:
                if "serving on " in line:
                    break
            else:
                pytest.fail("it ended before it served")
            yield process, line.rpartition("serving on ")[2].strip()
        finally:
            process.kill()
            process.wait()
            process.stderr.close()


@pytest.fixture
def wardgraph(settings: Settings) -> Commands:
    return Commands(settings)


def test_a_fresh_service_makes_a_hospital_and_tokens_only_their_owner_can_read(wardgraph: Commands) -> None:
    with wardgraph.serving() as (process, url):
        token = wardgraph.state / "tokens" / "admin.token"
        assert stat.S_IMODE(token.stat().st_mode) == 0o600
        answered = asyncio.run(_ask(f"{url}/v1/establishments", token.read_text().strip()))
        assert [hospital["name"] for hospital in answered["items"]] == ["Hospital"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    with wardgraph.serving() as (_, url):
        again = asyncio.run(_ask(f"{url}/v1/establishments", token.read_text().strip()))
        assert len(again["items"]) == 1


def test_a_busy_port_is_a_clear_message(wardgraph: Commands) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = wardgraph("serve", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "port" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_service_refuses_a_role_that_owns_the_database(wardgraph: Commands, database: Any) -> None:
    done = wardgraph("serve", "--port", "0", DATABASE_URL=database.owner_url)
    assert done.returncode == 1
    assert "owns the database" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_database_commands_say_what_to_do(wardgraph: Commands, tmp_path: Path) -> None:
    for command in (("token", "list"), ("explain", "PUMP-1"), ("import", "units", __file__), ("serve",)):
        done = wardgraph(*command, DATABASE_URL="", WARDGRAPH_STATE=str(tmp_path / "nothing"))
        assert done.returncode in (1, 2)
        assert "DATABASE_URL" in done.stderr
        assert "Traceback" not in done.stderr
    assert not (tmp_path / "nothing").exists()


def test_a_database_that_does_not_answer_is_one_sentence(wardgraph: Commands) -> None:
    done = wardgraph("token", "list", DATABASE_URL="postgresql://u:hunter2@127.0.0.1:1/x")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "hunter2" not in done.stderr


def test_tokens_are_made_listed_and_revoked(wardgraph: Commands) -> None:
    wardgraph.json("token", "new-establishment", "Saint-Luc", "--beds", "32")
    made = wardgraph.json("token", "create", "--role", "viewer", "--name", "ward screen", "--expires", "30d")
    listed = wardgraph("token", "list", "--json")
    assert made["id"] in listed.stdout
    assert made["token"] not in listed.stdout
    assert wardgraph("token", "revoke", made["id"]).returncode == 0
    assert wardgraph.json("token", "list")[0]["revoked_at"] is not None
    again = wardgraph("token", "revoke", made["id"])
    assert (again.returncode, "no valid token" in again.stderr) == (2, True)
    shown = wardgraph("token", "create", "--role", "agent", "--name", "probe")
    assert shown.stdout.startswith("wg_")
    assert len(shown.stdout.splitlines()) == 1


@pytest.mark.parametrize("expires", ["yesterday", "-1d", "2020-01-01", "999999999999d"])
def test_a_token_that_could_not_live_is_not_made(wardgraph: Commands, expires: str) -> None:
    wardgraph.json("token", "new-establishment", "Saint-Luc")
    done = wardgraph("token", "create", "--role", "viewer", "--name", "x", f"--expires={expires}")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


async def test_lists_are_imported_ranked_and_explained(wardgraph: Commands, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "units.csv").write_text(UNITS)
    (tmp_path / "assets.csv").write_text(ASSETS)
    (tmp_path / "policy.json").write_text('{"ranges": ["10.0.0.0/8"]}')

    def people_type() -> None:
        wardgraph.json("token", "new-establishment", "Saint-Luc", "--beds", "32")
        assert wardgraph.json("import", "units", str(tmp_path / "units.csv"))["accepted"] == 2
        dry = wardgraph("import", "assets", str(tmp_path / "assets.csv"), "--dry-run")
        assert "would be accepted" in dry.stdout
        done = wardgraph("import", "assets", str(tmp_path / "assets.csv"))
        assert done.stdout.startswith("4 assets accepted, 1 lines rejected")
        assert "line 6" in done.stdout
        assert "spaceship" in done.stdout
        assert wardgraph.json("import", "policy", str(tmp_path / "policy.json"))["version"] == 1
        nothing_yet = wardgraph("explain", "DIRECTORY")
        assert (nothing_yet.returncode, "ranked" in nothing_yet.stderr) == (1, True)

        too_early = wardgraph("rank")
        assert (too_early.returncode, "ranked yet" in too_early.stderr) == (1, True)
        assert wardgraph.json("rank", "--refresh", "--top", "2")["items"][1]["rank"] == 2
        assert "Un attaquant qui compromet" in wardgraph("rank", "--lang", "fr").stdout

    await asyncio.to_thread(people_type)
    page = await online_ranking(settings)
    assert {row.name for row in page.items} >= {"DIRECTORY", "EHR"}

    def people_ask() -> None:
        told = wardgraph.json("explain", "directory")
        assert told["asset"]["name"] == "DIRECTORY"
        assert told["impact"]["rank"] == next(row.rank for row in page.items if row.name == "DIRECTORY")
        french = wardgraph("explain", told["asset"]["id"], "--lang", "fr")
        assert "Un attaquant qui compromet DIRECTORY" in french.stdout
        two = wardgraph("explain", "pump")
        assert (two.returncode, "several" in two.stderr) == (2, True)
        none = wardgraph("explain", "nobody")
        assert (none.returncode, "no asset" in none.stderr) == (2, True)

    def people_take_the_graph_away() -> None:
        file = tmp_path / "graph.json"
        assert wardgraph("graph", "export", "--out", str(file)).returncode == 0
        assert wardgraph.json("graph", "check", str(file))["sound"] is True
        told = wardgraph.json("rank", "--graph", str(file))
        assert [(row["id"], row["score"]) for row in told["rows"]] == [(row.asset, row.score) for row in page.items]

    await asyncio.to_thread(people_ask)
    await asyncio.to_thread(people_take_the_graph_away)


@pytest.mark.parametrize(
    ("text", "says"),
    [("{", "JSON"), ("{}", "ranges"), ('{"ranges": ["x"]}', "range"), ('{"ranges": [], "colour": 1}', "colour")],
)
def test_a_policy_file_that_cannot_be_followed_is_refused_with_its_place(
    wardgraph: Commands, tmp_path: Path, text: str, says: str
) -> None:
    wardgraph.json("token", "new-establishment", "Saint-Luc")
    (tmp_path / "policy.json").write_text(text)
    done = wardgraph("import", "policy", str(tmp_path / "policy.json"))
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_is_not_there_or_not_of_the_encoding_is_named(wardgraph: Commands, tmp_path: Path) -> None:
    gone = wardgraph("import", "units", str(tmp_path / "units.csv"))
    assert (gone.returncode, "units.csv" in gone.stderr) == (2, True)
    (tmp_path / "latin.csv").write_bytes("unit_id,unit_type\nréa,icu\n".encode("cp1252"))
    wrong = wardgraph("import", "units", str(tmp_path / "latin.csv"), "--encoding", "utf-8")
    assert (wrong.returncode, "latin.csv" in wrong.stderr) == (2, True)
    unknown = wardgraph("import", "units", str(tmp_path / "latin.csv"), "--encoding", "klingon")
    assert (unknown.returncode, "klingon" in unknown.stderr) == (2, True)


def test_the_doctor_finds_a_sound_installation_sound(wardgraph: Commands) -> None:
    told = wardgraph("doctor", "--port", "0", "--json")
    findings = {finding["check"]: finding for finding in json.loads(told.stdout)["checks"]}
    assert set(findings) >= {
        "python",
        "packages",
        "state",
        "knowledge",
        "cards",
        "port",
        "database",
        "migrations",
        "clock",
    }
    assert all(finding["ok"] for finding in findings.values()), findings
    assert told.returncode == 0


def test_the_doctor_names_what_is_wrong_and_how_to_mend_it(wardgraph: Commands, database: Any) -> None:
    for url, check in (
        (database.owner_url, "database role"),
        ("postgresql://127.0.0.1:1/x", "database"),
        ("nonsense", "database"),
    ):
        told = wardgraph("doctor", "--port", "0", "--json", DATABASE_URL=url)
        bad = [finding for finding in json.loads(told.stdout)["checks"] if not finding["ok"]]
        assert [finding["check"] for finding in bad] == [check]
        assert bad[0]["mend"]
        assert told.returncode == 1


async def _ask(url: str, token: str) -> Any:
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session,
        session.get(url) as response,
    ):
        assert response.status == 200
        return await response.json()
