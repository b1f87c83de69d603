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
    principal = ApiKeys.load(DEMO).authenticate("Bearer demo-aurora-ops")

    assert (principal.tenant, principal.user, principal.tier) == ("aurora", "ops-1", "enterprise")
    assert principal.roles == {"customer", "operator"}


def test_a_key_may_be_given_as_its_digest(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"a-secret-key").hexdigest()
    keys = ApiKeys.load(write(tmp_path, f"keys: [{{sha256: {digest}, tenant: aurora, user: C-1}}]"))

    assert keys.principal_of("a-secret-key").user == "C-1"


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Basic demo-aurora-ada", "Bearer wrong", "Bearer " + "x" * 10_000, "Bearer é"],
)
def test_anything_but_a_known_key_is_refused(header: str | None) -> None:
    with pytest.raises(Unauthenticated):
        ApiKeys.load(DEMO).authenticate(header)


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
