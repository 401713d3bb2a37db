"""The service as an operator starts it: a process of its own on a private database, that a test may kill."""

import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

WARDGRAPH = [sys.executable, "-m", "service.cli.main"]
ANSWER_S_MAX = 60


def wardgraph(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [*WARDGRAPH, *map(str, arguments)],
        **{"capture_output": True, "text": True, "timeout": 120, "check": False, **options},
    )


@dataclass(frozen=True)
class Told:
    """An answer of the service."""

    status: int
    json: Any


@dataclass(frozen=True)
class Serving:
    """A running service."""

    process: subprocess.Popen[str]
    state: Path
    url: str

    def ask(self, method: str, path: str, body: Any = None, *, role: str = "admin") -> Told:
        """Ask with the token of a role; OSError if the service dies meanwhile."""
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=ANSWER_S_MAX)
        token = (self.state / "tokens" / f"{role}.token").read_text().strip()
        text = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        kind = "text/csv" if isinstance(body, bytes) else "application/json"
        try:
            connection.request(
                method, path, body=text, headers={"Authorization": f"Bearer {token}", "Content-Type": kind}
            )
            answer = connection.getresponse()
            return Told(answer.status, json.loads(answer.read()))
        finally:
            connection.close()

    def hand_over(self, batch: dict[str, Any]) -> Told:
        """Hand over a batch as an agent."""
        return self.ask("POST", "/v1/observations", batch, role="agent")

    def job(self, kind: str = "reidentify") -> dict[str, Any]:
        """A job, from asking for it to its end."""
        asked = self.ask("POST", "/v1/jobs", {"kind": kind}).json
        while (told := self.ask("GET", f"/v1/jobs/{asked['id']}").json)["state"] in ("waiting", "running"):
            pass
        return dict(told)

    def observations(self) -> int:
        """How many it keeps."""
        return int(self.ask("GET", "/v1/establishments").json["items"][0]["observations"])

    def kill(self) -> None:
        """As the kernel does when memory is short."""
        self.process.kill()
        self.process.wait()


@contextmanager
def serving(state: Path) -> Iterator[Serving]:
    """The service of a state directory, once it answers; stopped in the end if it still lives."""
    state.mkdir(exist_ok=True)
    state.chmod(0o755)
    arguments = ["serve", "--embedded", "--state", str(state), "--port", "0"]
    process = subprocess.Popen([*WARDGRAPH, *arguments], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if "serving on " in line:
            break
    else:
        raise AssertionError(f"the service did not start: {said}")
    url = line.partition("serving on ")[2].strip()
    threading.Thread(target=process.stderr.read, daemon=True).start()  # or it would wait for its log to be read
    try:
        yield Serving(process, state, url)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def kill_database(state: Path) -> None:
    """Kill the private PostgreSQL of a state directory outright, and wait until it is gone."""
    pointer = state / "postgres.home"
    home = Path(pointer.read_text().strip()) if pointer.exists() else state / "postgres"
    pid = int((home / "data" / "postmaster.pid").read_text().split()[0])
    watched = os.pidfd_open(pid)
    os.kill(pid, signal.SIGKILL)
    select.select([watched], [], [])
    os.close(watched)
