"""How long a practice hospital takes to make and to start, what it weighs, and how fast its one process answers."""

import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from discovery.sim.generate import generate
from discovery.sim.hospital import Hospital, hospital_document
from discovery.sim.mib import joined
from discovery.sim.permissions import COMMUNITY
from discovery.wire.snmp import Question, encode_request

SIZES = (1, 5, 20)
SYS_DESCR = (1, 3, 6, 1, 2, 1, 1, 1, 0)
FDB = (1, 3, 6, 1, 2, 1, 17, 7, 1, 2, 2, 1, 2)


def main() -> None:
    """Print one row a size."""
    print("size  devices  make s     MB  ready s  RSS MB   GET/s  GETBULK/s")
    for size in SIZES:
        begun = time.perf_counter()
        hospital = generate(1, size)
        document = hospital_document(hospital)
        made_s = time.perf_counter() - begun
        with tempfile.TemporaryDirectory() as folder:
            row = _run(hospital, document, Path(folder))
        print(f"{size:>4} {len(hospital.devices):>8} {made_s:>7.2f} {len(document) / 1e6:>6.1f} {row}")


def _run(hospital: Hospital, document: bytes, folder: Path) -> str:
    file = folder / "hospital.json"
    file.write_bytes(document)
    program = [sys.executable, "-m", "service.cli.main", "simulate", "run", "--hospital", str(file)]
    begun = time.perf_counter()
    process = subprocess.Popen([*program, "--state", str(folder / "state")], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        ready_s = time.perf_counter() - begun
        prefix, port = int(ready["prefix"].split(".")[1]), ready["snmp_port"]
        robust = [d for d in hospital.devices if d.snmp and d.snmp.version == "2c" and d.fragile is None and d.address]
        gets = _rate([joined(d.address or "", prefix=prefix) for d in robust], port, Question.GET, SYS_DESCR)
        switches = [d for d in robust if d.kind == "access_switch" and d.manufacturer != "Cisco"] or robust
        walks = _rate([joined(d.address or "", prefix=prefix) for d in switches], port, Question.GETBULK, FDB)
        status = Path(f"/proc/{process.pid}/status").read_text().split("VmRSS:")[1]
        rss_mb = int(status.split()[0]) / 1024
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    return f"{ready_s:>8.2f} {rss_mb:>7.0f} {gets:>7.0f} {walks:>10.0f}"


def _rate(addresses: list[str], port: int, kind: Question, oid: tuple[int, ...]) -> float:
    """Questions a second, one after the other, two rounds; the first round builds the tables and is not counted."""
    question = encode_request(kind, community=COMMUNITY.encode(), request_id=1, oids=[oid], max_repetitions=25)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(5)
        for _ in range(2):
            begun = time.perf_counter()
            for address in addresses:
                asker.sendto(question, (address, port))
                asker.recvfrom(65_535)
    return len(addresses) / (time.perf_counter() - begun)
