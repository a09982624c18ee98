"""The lock file is whole and says what it does not know."""

import re

import pytest

from orlop.model.errors import InvalidArgument
from orlop.node import lock

MINORS = sorted(lock.load().kubernetes)


@pytest.mark.parametrize("minor", MINORS)
def test_every_version_has_an_artefact(minor: str) -> None:
    release = lock.release(minor)
    assert release.patch.startswith(f"{minor}.")
    assert set(release.versions) <= set(lock.load().artefacts)
    assert {release.versions[name] for name in ("kubelet", "kubeadm", "kubectl")} == {release.patch}


def test_a_digest_is_sha256_or_admittedly_unknown() -> None:
    for name, artefact in lock.load().artefacts.items():
        for version, digests in artefact.digests.items():
            for arch, digest in digests.items():
                assert digest is None or re.fullmatch(r"[0-9a-f]{64}", digest), (name, version, arch)


def test_every_locked_version_of_a_download_is_listed_among_its_digests() -> None:
    for minor in MINORS:
        for name, version in lock.release(minor).versions.items():
            artefact = lock.load().artefacts[name]
            assert artefact.url is None or version in artefact.digests, (minor, name, version)


def test_an_unknown_minor_names_the_known() -> None:
    with pytest.raises(InvalidArgument, match=r"it has 1\.35, 1\.36, 1\.37"):
        lock.release("1.2")
