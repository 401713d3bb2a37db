"""The demo's processes: each started, waited for until it is ready, and stopped in the end, whatever happens."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import aiohttp
import orjson

READY_S_MAX = 90  # a machine with two busy cores imports and starts everything well within this
STOP_S_MAX = 20  # then the process is killed
LINE_BYTES_MAX = 64 * 1024 * 1024  # one JSON document on one line: the largest hospital's report


class DemoError(Exception):
    """The demo cannot go on; the message says what to do."""


class NotYetError(DemoError):
    """The service has nothing to answer with yet (404)."""


@dataclass(slots=True)
class Teller:
    """Says on stderr what is happening and how long it took."""

    started: float = field(default_factory=time.monotonic)
    timings_s: dict[str, float] = field(default_factory=dict)

    def say(self, text: str) -> None:
        """One line of progress."""
        print(f"[{time.monotonic() - self.started:6.1f} s] {text}", file=sys.stderr, flush=True)

    @contextlib.contextmanager
    def timed(self, name: str) -> Any:
        """Measure a stage; a stage that is entered twice adds up."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self.timings_s[name] = round(self.timings_s.get(name, 0.0) + time.monotonic() - begun, 3)


@dataclass(frozen=True, slots=True)
class Program:
    """A running part of the demo."""

    name: str
    process: asyncio.subprocess.Process
    output: asyncio.StreamReader
    log: Path

    async def read_json(self, *, within_s: float) -> dict[str, Any]:
        """The next JSON line of its output; DemoError with the end of its log if it ends or stays silent."""
        try:
            async with asyncio.timeout(within_s):
                line = await self.output.readline()
        except TimeoutError:
            raise DemoError(f"{self.name}: no answer within {within_s:.0f} s; its log is {self.log}") from None
        if not line.startswith(b"{"):
            raise DemoError(f"{self.name} ended too early:\n{self.last_words()}")
        answer: dict[str, Any] = orjson.loads(line)
        return answer

    def last_words(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-1_500:].strip()

    async def stop(self) -> int:
        """Ask it to end, insist after a while; its exit code."""
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(STOP_S_MAX):
                    return await self.process.wait()
            except TimeoutError:
                self.process.kill()
        return await self.process.wait()


@asynccontextmanager
async def program(
    name: str,
    arguments: Sequence[str],
    *,
    state: Path,
    environment: dict[str, str] | None = None,
    stdin: bytes | None = None,
) -> AsyncIterator[Program]:
    """Start a part of the demo, `MODULE ARGS...`; it is stopped when the block ends, or when this process is killed."""
    log = state / f"{name}.log"
    theirs, ours = os.pipe()  # nothing is ever written: it ends when we do
    with log.open("wb") as errors, os.fdopen(theirs, "rb"):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "service.cli.tied",
            str(theirs),
            *arguments,
            pass_fds=[theirs],
            stdin=asyncio.subprocess.DEVNULL if stdin is None else asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            env={**os.environ, **(environment or {})},
            limit=LINE_BYTES_MAX,
            start_new_session=True,  # Ctrl-C reaches the demo alone, which then stops its parts in order
        )
    running = Program(name, process, process.stdout or asyncio.StreamReader(), log)
    try:
        if stdin is not None and process.stdin is not None:
            process.stdin.write(stdin)
            await process.stdin.drain()
            process.stdin.close()
        yield running
    finally:
        await running.stop()
        os.close(ours)


@dataclass(slots=True)
class Api:
    """The service, as any program sees it."""

    session: aiohttp.ClientSession
    base: str

    @classmethod
    @asynccontextmanager
    async def open(cls, base: str, *, token: str) -> AsyncIterator[Self]:
        """A client that shows a token."""
        headers = {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=300)) as session:
            yield cls(session, base)

    async def call(self, method: str, path: str, **request: Any) -> Any:
        """The answer's JSON; DemoError with the service's own words if it refuses."""
        async with self.session.request(method, self.base + path, **request) as response:
            body = await response.read()
            if response.status >= 400:
                kind = NotYetError if response.status in (404, 409) else DemoError
                raise kind(f"{method} {path}: {response.status}: {body[:600].decode(errors='replace')}")
            return orjson.loads(body) if body else None

    async def wait_ready(self, service: Program) -> None:
        """Until /readyz answers 200; DemoError if the service ends first."""
        deadline = time.monotonic() + READY_S_MAX
        while time.monotonic() < deadline:
            if service.process.returncode is not None:
                raise DemoError(f"the service ended:\n{service.last_words()}")
            with contextlib.suppress(aiohttp.ClientError, DemoError):
                await self.call("GET", "/readyz")
                return
            await asyncio.sleep(0.1)
        raise DemoError(f"the service is not ready after {READY_S_MAX} s; its log is {service.log}")
