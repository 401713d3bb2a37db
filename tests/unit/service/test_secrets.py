"""What must stay secret stays so: sealed at rest, hidden in logs, absent from what a person reads."""

import stat
from pathlib import Path

import pytest

from riskdb.model.policy import Credential
from service.errors import InputError
from service.logs import HIDDEN, hide_secrets
from service.plans import Policy, opened, sealed, with_kept_secrets, without_secrets
from service.sealing import KEY_FILE, sealer_of
from service.settings import Settings, settings_from

V2C = Credential(name="lab", version="2c", community="open-sesame")
POLICY = Policy(ranges=("10.0.0.0/8",), credentials=(V2C,))


def test_a_credential_is_sealed_with_a_key_only_its_owner_can_read(tmp_path: Path) -> None:
    sealer = sealer_of(tmp_path)
    stored = sealed(POLICY, sealer)
    assert "open-sesame" not in repr(stored)
    assert opened(stored, sealer_of(tmp_path)) == POLICY
    assert sealed(stored, sealer) == stored
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600


def test_another_key_opens_nothing_and_says_what_to_do(tmp_path: Path) -> None:
    stored = sealed(POLICY, sealer_of(tmp_path / "here"))
    with pytest.raises(InputError, match=KEY_FILE):
        opened(stored, sealer_of(tmp_path / "there"))


def test_a_key_file_that_holds_no_key_is_named(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_text("not a key")
    with pytest.raises(InputError, match=KEY_FILE):
        sealer_of(tmp_path)


def test_people_read_policies_without_secrets_and_send_them_back_so() -> None:
    shown = without_secrets(POLICY)
    assert "open-sesame" not in repr(shown)
    assert with_kept_secrets(shown, POLICY) == POLICY
    assert with_kept_secrets(shown, None) == shown


def test_a_credential_of_another_version_keeps_nothing() -> None:
    changed = Policy(ranges=(), credentials=(Credential(name="lab", version="3", user="reader"),))
    assert with_kept_secrets(changed, POLICY) == changed


def test_the_log_hides_what_is_named_or_looks_like_a_secret() -> None:
    token = "wg_" + "a" * 43
    event = {
        "event": f"sent {token}",
        "token": "x",
        "community": "open-sesame",
        "database_url": "postgresql://u:p@h/d",
        "exception": "connecting to postgresql://ward:hunter2@db/x failed",
        "route": "/v1/assets",
    }
    hidden = hide_secrets(None, "info", dict(event))
    assert hidden["event"] == f"sent {HIDDEN}"
    assert hidden["token"] == hidden["community"] == hidden["database_url"] == HIDDEN
    assert "hunter2" not in str(hidden)
    assert hidden["route"] == "/v1/assets"


def test_settings_never_show_a_database_password(tmp_path: Path) -> None:
    settings = Settings(
        state=tmp_path, database_url="postgresql://u:hunter2@h/d", owner_url="postgresql://o:hunter2@h/d"
    )
    assert "hunter2" not in repr(settings)


def test_flags_win_over_the_environment_and_the_environment_over_defaults(tmp_path: Path) -> None:
    environment = {"WARDGRAPH_STATE": str(tmp_path), "WARDGRAPH_PORT": "9000", "DATABASE_URL": "postgresql:///x"}
    assert settings_from(environment).port == 9000
    assert settings_from(environment, port=0).port == 0
    assert settings_from(environment).state == tmp_path
    assert settings_from({"HOME": "/x", "XDG_STATE_HOME": "/y"}).state == Path("/y/wardgraph")
    with pytest.raises(InputError, match="WARDGRAPH_PORT"):
        settings_from({**environment, "WARDGRAPH_PORT": "http"})
