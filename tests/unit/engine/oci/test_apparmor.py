"""Our AppArmor profile: the real parser takes it, and it is loaded where it is missing. No kernel here has AppArmor."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from orlop.engine.oci import apparmor
from orlop.engine.oci.apparmor import NAME, PROFILE, ensure_loaded
from orlop.engine.oci.facts import with_apparmor_profiles
from tests.unit.engine.oci.samples import FACTS

PARSER = shutil.which("apparmor_parser", path="/usr/sbin:/sbin:/usr/bin:/bin")
WITH = replace(FACTS, apparmor=True)


@pytest.mark.skipif(PARSER is None, reason="apparmor_parser is not installed")
def test_the_real_parser_takes_it() -> None:
    argv = [str(PARSER), "--skip-kernel-load", "--skip-cache", "--skip-read-cache", "--debug"]
    done = subprocess.run(argv, input=PROFILE.encode(), capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    broken = subprocess.run(argv, input=PROFILE.replace("umount,", "umoun,").encode(), capture_output=True, timeout=60)
    assert broken.returncode != 0


async def test_it_is_loaded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    parser = tmp_path / "apparmor_parser"
    parser.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/words; cat >> {tmp_path}/profile; test ! -e {tmp_path}/bad\n'
    )
    parser.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name, path: str(parser))
    monkeypatch.setattr(
        apparmor, "with_apparmor_profiles", lambda facts: replace(facts, apparmor_profiles=frozenset({NAME}))
    )
    for facts, profile in (
        (FACTS, NAME),
        (WITH, "another"),
        (WITH, ""),
        (replace(WITH, apparmor_profiles={NAME}), NAME),
    ):
        assert await ensure_loaded(facts, profile) is facts
    assert not (tmp_path / "words").exists()
    assert (await ensure_loaded(WITH, NAME)).apparmor_profiles == {NAME}
    assert (tmp_path / "words").read_text() == "--replace --skip-cache\n"
    assert (tmp_path / "profile").read_text() == PROFILE
    (tmp_path / "bad").touch()
    assert await ensure_loaded(WITH, NAME) is WITH
    monkeypatch.setattr(shutil, "which", lambda name, path: None)
    assert await ensure_loaded(WITH, NAME) is WITH
    assert "cannot be loaded" in caplog.text
    assert "not installed" in caplog.text


def test_profiles_are_those_of_now(tmp_path: Path) -> None:
    assert with_apparmor_profiles(FACTS) is FACTS
    listing = tmp_path / "kernel/security/apparmor/profiles"
    listing.parent.mkdir(parents=True)
    listing.write_text("a b (enforce)\nmine (complain)\n")
    assert with_apparmor_profiles(WITH, sys=str(tmp_path)).apparmor_profiles == {"a b", "mine"}
