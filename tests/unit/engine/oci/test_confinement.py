"""AppArmor, hidden paths."""

from dataclasses import replace
from typing import Any

import pytest

from orlop.engine.oci.confinement import apparmor_profile, profile_asked, security_paths
from orlop.model.enums import ProfileType
from orlop.model.errors import InvalidArgument, Unsupported
from orlop.model.security import LinuxContainerSecurityContext, SecurityProfile
from tests.unit.engine.oci.samples import FACTS, SETTINGS

WITH = replace(FACTS, apparmor=True, apparmor_profiles=frozenset({"our-default", "mine"}))
PROFILED = replace(SETTINGS, apparmor_profile="our-default")
UNCONFINED = SecurityProfile(profile_type=ProfileType.Unconfined)
LOCAL = SecurityProfile(profile_type=ProfileType.Localhost, localhost_ref="mine")


def context(**fields: Any) -> LinuxContainerSecurityContext:
    return LinuxContainerSecurityContext(**fields)


@pytest.mark.parametrize(
    ("fields", "with_apparmor", "without"),
    [
        ({}, "our-default", ""),
        ({"apparmor": SecurityProfile()}, "our-default", ""),
        ({"privileged": True}, "", ""),
        ({"apparmor": UNCONFINED}, "unconfined", ""),
    ],
)
def test_apparmor(fields: dict[str, Any], with_apparmor: str, without: str) -> None:
    assert apparmor_profile(context(**fields), PROFILED, WITH) == with_apparmor
    assert apparmor_profile(context(**fields), PROFILED, FACTS) == without


def test_a_profile_asked_for_by_name_is_never_left_out() -> None:
    assert apparmor_profile(context(apparmor=LOCAL), PROFILED, WITH) == "mine"
    prefixed = SecurityProfile(profile_type=ProfileType.Localhost, localhost_ref="localhost/mine")
    assert apparmor_profile(context(apparmor=prefixed), PROFILED, WITH) == "mine"
    with pytest.raises(InvalidArgument, match="'mine' is not loaded"):
        apparmor_profile(context(apparmor=LOCAL), PROFILED, replace(WITH, apparmor_profiles=frozenset({"other"})))
    with pytest.raises(Unsupported, match=r"'mine'.*no AppArmor"):
        apparmor_profile(context(apparmor=LOCAL), PROFILED, FACTS)
    with pytest.raises(InvalidArgument, match="localhost_ref"):
        apparmor_profile(context(apparmor=SecurityProfile(profile_type=ProfileType.Localhost)), PROFILED, WITH)


@pytest.mark.parametrize("profile", ["not-loaded", ""])
def test_a_default_that_is_not_loaded_is_left_out(profile: str) -> None:
    settings = replace(SETTINGS, apparmor_profile=profile)
    assert apparmor_profile(context(), settings, WITH) == ""
    assert apparmor_profile(context(apparmor=SecurityProfile()), settings, WITH) == ""


def test_hidden_paths() -> None:
    fields = {"masked_paths": ("/a",), "readonly_paths": ("/b",)}
    assert security_paths(context(**fields)) == {"maskedPaths": ["/a"], "readonlyPaths": ["/b"]}
    assert security_paths(context(privileged=True, **fields)) == {}


@pytest.mark.parametrize(
    ("words", "profile"),
    [
        ("", None),
        ("runtime/default", SecurityProfile()),
        ("unconfined", UNCONFINED),
        ("localhost/mine", LOCAL),
    ],
)
def test_deprecated_words(words: str, profile: SecurityProfile | None) -> None:
    assert profile_asked(None, words, "apparmor_profile") == profile
    assert profile_asked(UNCONFINED, words, "apparmor_profile") == UNCONFINED


def test_apparmor_by_deprecated_words() -> None:
    assert apparmor_profile(context(apparmor_profile="localhost/mine"), PROFILED, WITH) == "mine"
    assert apparmor_profile(context(apparmor_profile="unconfined"), PROFILED, WITH) == "unconfined"
    with pytest.raises(Unsupported, match="'mine'"):
        apparmor_profile(context(apparmor_profile="localhost/mine"), PROFILED, FACTS)


@pytest.mark.parametrize("words", ["mine", "localhost/", "LOCALHOST/mine", "x/localhost/mine"])
def test_words_that_mean_nothing(words: str) -> None:
    with pytest.raises(InvalidArgument, match=f"seccomp_profile_path '{words}'"):
        profile_asked(None, words, "seccomp_profile_path")
