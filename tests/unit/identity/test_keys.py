"""API keys and whom they stand for."""

import hashlib
from pathlib import Path

import pytest

from switchboard.contracts.errors import BadConfiguration, Unauthenticated
from switchboard.identity import ApiKeys

DEMO = Path("services/supervisor/demo-keys.yaml")


def write(folder: Path, text: str) -> Path:
    path = folder / "keys.yaml"
    path.write_text(text)
    return path


def test_a_demo_key_stands_for_its_tenant_user_tier_and_roles() -> None:
    principal = ApiKeys.load(DEMO, public=True).authenticate("Bearer demo-aurora-ops")

    assert (principal.tenant, principal.user, principal.tier) == ("aurora", "ops-1", "enterprise")
    assert principal.roles == {"customer", "operator"}


def test_a_key_may_be_given_as_its_digest(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"a-secret-key").hexdigest()
    keys = ApiKeys.load(write(tmp_path, f"keys: [{{sha256: {digest}, tenant: aurora, user: C-1}}]"))

    assert keys.authenticate("Bearer a-secret-key").user == "C-1"


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Basic demo-aurora-ada", "Bearer wrong", "Bearer " + "x" * 10_000, "Bearer é"],
)
def test_anything_but_a_known_key_is_refused(header: str | None) -> None:
    with pytest.raises(Unauthenticated):
        ApiKeys.load(DEMO, public=True).authenticate(header)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("keys: []", "keys"),
        ("keys: [{key: abcdefgh, tenant: a|b, user: C-1}]", "tenant"),
        ("keys: [{tenant: aurora, user: C-1}]", "key or sha256"),
        ("keys: [", "cannot be read"),
    ],
)
def test_a_wrong_keys_file_is_named_without_its_keys(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(BadConfiguration) as failure:
        ApiKeys.load(write(tmp_path, text))

    assert told in failure.value.message
    assert "abcdefgh" not in failure.value.message


def test_a_missing_keys_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="cannot be read"):
        ApiKeys.load(tmp_path / "none.yaml")


DIGEST = hashlib.sha256(b"a-secret-key").hexdigest()
HEADER = "Bearer a-secret-key"


def entry(**more: str) -> str:
    fields = {"sha256": DIGEST, "tenant": "aurora", "user": "C-1", **more}
    return f"keys: [{{{', '.join(f'{name}: {value}' for name, value in fields.items())}}}]"


def test_outside_a_demo_a_file_with_public_keys_is_refused() -> None:
    with pytest.raises(BadConfiguration, match=r"SWITCHBOARD_KEYS_FILE.*SWITCHBOARD_DEMO=1"):
        ApiKeys.load(DEMO)


def test_a_key_stands_for_nobody_from_its_expiry_on(tmp_path: Path) -> None:
    with pytest.raises(Unauthenticated):
        ApiKeys.load(write(tmp_path, entry(expires="2020-01-01T00:00:00Z"))).authenticate(HEADER)
    assert ApiKeys.load(write(tmp_path, entry(expires="2200-01-01T00:00:00Z"))).authenticate(HEADER).user == "C-1"


def test_a_session_ends_when_its_key_expires(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = ApiKeys.load(write(tmp_path, entry(expires="2200-01-01T00:00:00Z"))).session(HEADER)
    assert session.is_live
    monkeypatch.setattr("switchboard.identity.keys.time.time", lambda: 8e9)
    assert not session.is_live


@pytest.mark.parametrize("after", ["keys: [{key: another-key, tenant: aurora, user: C-1}]", entry(roles="[operator]")])
async def test_a_changed_file_is_read_again_and_ends_what_it_no_longer_says(tmp_path: Path, after: str) -> None:
    keys = ApiKeys.load(path := write(tmp_path, entry()))
    session = keys.session(HEADER)
    path.write_text(after)
    await keys.reload()
    assert not session.is_live


async def test_a_file_that_is_wrong_or_gone_leaves_the_keys_as_they_were(tmp_path: Path) -> None:
    keys = ApiKeys.load(path := write(tmp_path, entry()))
    session = keys.session(HEADER)
    path.write_text("keys: [")
    await keys.reload()
    assert session.is_live
    path.unlink()
    await keys.reload()
    assert session.is_live
    path.write_text(entry(user="C-2"))
    await keys.reload()
    assert keys.authenticate(HEADER).user == "C-2"
