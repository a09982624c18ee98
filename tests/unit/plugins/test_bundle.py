"""The airgap bundle's form: whole, for this node, and nothing beside what its manifest names."""

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.unit.plugins.conftest import load

FACTS = {"release": "abc", "architecture": "amd64", "distribution": "bookworm", "python": "3.11"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A bundle as it is packed."""
    root = tmp_path / "bundle"
    (root / "packages").mkdir(parents=True)
    (root / "packages/Packages").write_text("Package: conmon\n")
    (root / "packages/conmon.deb").write_bytes(b"not really")
    module = load("module_utils.bundle")
    (root / "manifest.json").write_text(module.manifest(module.digests(str(root)), **FACTS))
    return root


def packed(root: Path) -> tuple[str, str]:
    """The archive and its digest."""
    archive = str(root.parent / "bundle.tar")
    load("modules.bundle").pack(str(root), archive)
    return archive, load("module_utils.bundle").file_digest(archive)


def put(root: Path, **facts: str) -> bool:
    """As the module does it on a node."""
    done: bool = load("modules.bundled").converge(*packed(root), {**FACTS, **facts}, str(root.parent / "node"))
    return done


def test_it_is_unpacked_once(root: Path) -> None:
    assert put(root)
    place = root.parent / "node"
    assert (place / "packages/conmon.deb").read_bytes() == b"not really"
    assert (place / "sources.list").read_text() == f"deb [trusted=yes] file:{place}/packages ./\n"
    assert f"Dir::Etc::sourcelist={place}/sources.list" in load("module_utils.bundle").apt_options(str(place))
    assert not put(root)


def test_a_node_without_a_bundle_asks_its_distribution(tmp_path: Path) -> None:
    assert load("module_utils.bundle").apt_options(str(tmp_path)) == []


@pytest.mark.parametrize("fact", FACTS)
def test_one_for_another_node_is_refused(root: Path, fact: str) -> None:
    with pytest.raises(
        load("module_utils.bundle").WrongBundle, match=f"{fact} is '{FACTS[fact]}', this node needs 'x'"
    ):
        put(root, **{fact: "x"})


def test_a_changed_file_is_named(root: Path) -> None:
    (root / "packages/conmon.deb").write_bytes(b"something else")
    with pytest.raises(load("module_utils.bundle").WrongBundle, match=r"packages/conmon\.deb has SHA-256"):
        put(root)
    assert not (root.parent / "node").exists() and not (root.parent / "node.incoming").exists()


def test_a_missing_file_is_named(root: Path) -> None:
    (root / "packages/conmon.deb").unlink()
    with pytest.raises(load("module_utils.bundle").WrongBundle, match=r"packages/conmon\.deb is missing"):
        put(root)


def test_a_foreign_file_is_named(root: Path) -> None:
    (root / "packages/more.deb").touch()
    with pytest.raises(load("module_utils.bundle").WrongBundle, match=r"packages/more\.deb is in the bundle"):
        put(root)


def test_without_a_manifest_it_is_none(root: Path) -> None:
    (root / "manifest.json").unlink()
    with pytest.raises(load("module_utils.bundle").WrongBundle, match=r"playbooks/bundle\.yml"):
        put(root)


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 2, "files": {}}', '{"format": 1, "files": []}'])
def test_a_manifest_of_another_form_is_refused(root: Path, text: str) -> None:
    (root / "manifest.json").write_text(text)
    with pytest.raises(load("module_utils.bundle").WrongBundle, match=r"manifest\.json"):
        put(root)


def test_an_archive_that_was_cut_short_is_refused(root: Path) -> None:
    archive, _ = packed(root)
    with pytest.raises(load("module_utils.bundle").WrongBundle, match="cut short"):
        load("modules.bundled").converge(archive, "0" * 64, FACTS, str(root.parent / "node"))


def hostile(name: str, **fields: Any) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(member, field, value)
    return member


@pytest.mark.parametrize(
    "member",
    [
        hostile("../outside", size=1),
        hostile("/etc/outside", size=1),
        hostile("link", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        hostile("packages/hard", type=tarfile.LNKTYPE, linkname="manifest.json"),
        hostile("device", type=tarfile.CHRTYPE),
    ],
    ids=lambda member: member.name,
)
def test_only_regular_files_below_its_root(root: Path, member: tarfile.TarInfo) -> None:
    archive, _ = packed(root)
    with tarfile.open(archive, "a") as opened:
        opened.addfile(member, io.BytesIO(b"x"))
    digest = load("module_utils.bundle").file_digest(archive)
    with pytest.raises(load("module_utils.bundle").WrongBundle, match="no regular file"):
        load("modules.bundled").converge(archive, digest, FACTS, str(root.parent / "node"))
    assert not (root.parent / "outside").exists()


def archive(path: Path, **files: Any) -> str:
    with tarfile.open(path, "w") as opened:
        for name, content in files.items():
            text = json.dumps(content).encode()
            member = tarfile.TarInfo(f"{name}.json")
            member.size = len(text)
            opened.addfile(member, io.BytesIO(text))
    return str(path)


def test_images_are_known_by_the_names_in_their_archives(tmp_path: Path) -> None:
    module = load("module_utils.bundle")
    names = {"io.containerd.image.name": "registry.k8s.io/pause:3.10", "org.opencontainers.image.ref.name": "3.10"}
    layout = archive(tmp_path / "oci.tar", index={"manifests": [{"annotations": names}, {}]})
    docker = archive(tmp_path / "docker.tar", manifest=[{"RepoTags": ["a.test/b:1"]}, {"RepoTags": None}])
    root = tmp_path / "root"
    assert module.add_images([layout, docker], str(root)) == {
        "images/0-oci.tar": ["registry.k8s.io/pause:3.10"],
        "images/1-docker.tar": ["a.test/b:1"],
    }
    assert sorted(module.digests(str(root))) == ["images/0-oci.tar", "images/1-docker.tar"]
    with pytest.raises(ValueError, match="names none of its images"):
        module.image_names(archive(tmp_path / "nameless.tar", index={"manifests": [{}]}))
    with pytest.raises(ValueError, match="no archive of images"):
        module.image_names(archive(tmp_path / "other.tar", other={}))


def test_programs_are_in_the_bundle_under_their_digests(tmp_path: Path) -> None:
    source = tmp_path / "kubelet"
    source.write_bytes(b"a kubelet")
    wanted = hashlib.sha256(b"a kubelet").hexdigest()
    artefact = {"name": "kubelet", "version": "1.36.4", "url": str(source), "sha256": wanted}
    load("modules.bundle").fetch_artefacts([artefact], str(tmp_path / "artefacts"))
    assert (tmp_path / "artefacts" / wanted).read_bytes() == b"a kubelet"
    wrong = load("module_utils.artefacts").WrongArtefact
    with pytest.raises(wrong, match=r"artefacts\.kubelet\.sha256"):
        load("modules.bundle").fetch_artefacts([{**artefact, "sha256": "0" * 64}], str(tmp_path / "again"))
