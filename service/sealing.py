"""SNMP credentials at rest: sealed before they reach the database, opened only for the agent's plan.

The key is a file of the state directory that only its owner can read; a copy of the database alone opens nothing.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from service.errors import InputError

KEY_FILE = "sealing.key"
_MARK = "sealed:"


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals and opens short texts with one key."""

    _key: bytes = field(repr=False)

    def seal(self, text: str | None) -> str | None:
        """The text, unreadable without the key; None stays None and what is sealed stays as it is."""
        if text is None or text.startswith(_MARK):
            return text
        return _MARK + Fernet(self._key).encrypt(text.encode()).decode()

    def open(self, sealed: str | None) -> str | None:
        """The text again; InputError if it was sealed with another key."""
        if sealed is None or not sealed.startswith(_MARK):
            return sealed
        try:
            return Fernet(self._key).decrypt(sealed.removeprefix(_MARK)).decode()
        except InvalidToken as error:
            raise InputError(
                f"opening an SNMP credential: it was sealed with another key. Put back the {KEY_FILE} it was made "
                "with, or import the policy again."
            ) from error


def sealer_of(state: Path) -> Sealer:
    """The sealer of a state directory; its key is made the first time."""
    path = state / KEY_FILE
    state.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return Sealer(_read_key(path))
    with os.fdopen(descriptor, "wb") as file:
        file.write(Fernet.generate_key())
    return Sealer(_read_key(path))


def _read_key(path: Path) -> bytes:
    key = path.read_bytes().strip()
    try:
        Fernet(key)
    except ValueError as error:
        raise InputError(f"reading {path}: it is not a sealing key; remove it to make a new one") from error
    return key
