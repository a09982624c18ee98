"""policy.json on disk: live, and never less than it was by mistake."""

import logging
from pathlib import Path

import pytest

from orlop.engine.images.policy.document import ACCEPT_ALL, Reject
from orlop.engine.images.policy.files import Policies
from orlop.model.errors import FailedPrecondition, InvalidArgument

REJECT = '{"default": [{"type": "reject"}]}'


def test_without_a_file(tmp_path: Path) -> None:
    path = str(tmp_path / "policy.json")
    assert Policies("", required=False).policy() is ACCEPT_ALL
    assert Policies(path, required=False).policy() is ACCEPT_ALL
    with pytest.raises(FailedPrecondition, match=r"policy\.json .*is missing"):
        Policies(path, required=True).policy()


def test_changes_are_seen_and_a_broken_file_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "policy.json"
    path.write_text("{}")
    policies = Policies(str(path), required=False)
    for _ in range(2):
        with pytest.raises(InvalidArgument, match=r"policy\.json: the file: .*`default`"):
            policies.policy()
    path.write_text(REJECT)
    assert policies.policy().default == (Reject(),)
    path.write_text('{"default": []}')
    caplog.clear()
    with caplog.at_level(logging.ERROR):
        assert policies.policy().default == policies.policy().default == (Reject(),)
    assert len(caplog.records) == 1 and "stays in force" in caplog.text


def test_a_namespace_may_have_its_own(tmp_path: Path) -> None:
    (tmp_path / "strict.json").write_text(REJECT)
    policies = Policies("", required=False, namespaced=str(tmp_path))
    assert policies.policy("strict").default == (Reject(),)
    assert policies.policy("../strict") is policies.policy("other") is policies.policy() is ACCEPT_ALL
