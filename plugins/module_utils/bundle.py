"""The airgap bundle: what a node installs where there is no network. Its form, and what a node makes of it.

A bundle is one tar archive with packages/ (a repository of the distribution's packages, with its index), wheels/ (the
daemon's and all that it needs) and manifest.json, which names every other file with its SHA-256.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tarfile

from ansible_collections.orlop.node.plugins.module_utils.record import DIRECTORY, read_text

PLACE = os.path.join(DIRECTORY, "bundle")
"""Where a node keeps its bundle, unpacked. Modules that install packages take them from here, if it is there."""
FORMAT = 1
MANIFEST = "manifest.json"
NAMES = ("io.containerd.image.name", "org.opencontainers.image.ref.name")
"""Annotations by which an OCI layout names an image."""


class WrongBundle(Exception):
    """It is not whole, or not for this node; the text says which file or field."""


def apt_options(place=PLACE):
    """Options by which apt knows the bundle's packages and no others; none where the node has no bundle.

    Lists and caches are the bundle's own, so that those of the system stay as they are.
    """
    repository = os.path.join(place, "packages")
    if not os.path.exists(os.path.join(repository, "Packages")):
        return []
    settings = {
        "Dir::Etc::sourcelist": os.path.join(place, "sources.list"),
        "Dir::Etc::sourceparts": "-",
        "Dir::State::lists": os.path.join(place, "lists"),
        "Dir::Cache::pkgcache": "",
        "Dir::Cache::srcpkgcache": "",
        "APT::Sandbox::User": "root",
    }
    return [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]


def sources_list(place=PLACE):
    """The repository by its place; trusted, for every file was compared with the manifest."""
    return f"deb [trusted=yes] file:{place}/packages ./\n"


def manifest(files, **facts):
    """The manifest's text: facts about the bundle, and a digest for each path below the bundle's root."""
    return json.dumps({"format": FORMAT, **facts, "files": files}, indent=2, sort_keys=True) + "\n"


def digests(root):
    """SHA-256 by path, relative to the root, of every file below it but the manifest."""
    found = {}
    for place, _, names in os.walk(root):
        for name in names:
            path = os.path.join(place, name)
            relative = os.path.relpath(path, root)
            if relative != MANIFEST:
                found[relative] = file_digest(path)
    return found


def add_images(archives, root):
    """Copies archives of images below the root; returns the names in each by its path there."""
    named = {}
    for number, archive in enumerate(archives):
        inside = f"images/{number}-{os.path.basename(archive)}"
        os.makedirs(os.path.join(root, "images"), exist_ok=True)
        shutil.copyfile(archive, os.path.join(root, inside))
        named[inside] = image_names(archive)
    return named


def image_names(archive):
    """Names of the images in an archive, of docker's manifest.json or of the OCI layout's index.json."""
    with tarfile.open(archive) as opened:
        files = {member.name.removeprefix("./"): member for member in opened if member.isreg()}
        if "manifest.json" in files:
            images = json.load(opened.extractfile(files["manifest.json"]))
            found = {name for image in images for name in image.get("RepoTags") or []}
        elif "index.json" in files:
            manifests = json.load(opened.extractfile(files["index.json"]))["manifests"]
            notes = [manifest.get("annotations", {}) for manifest in manifests]
            found = {next((note[key] for key in NAMES if key in note), "") for note in notes} - {""}
        else:
            raise ValueError(f"{archive} is no archive of images: it has neither manifest.json nor index.json")
    if not found:
        raise ValueError(f"{archive} names none of its images: write it with orlop image export, by name")
    return sorted(found)


def file_digest(path):
    """A file's SHA-256."""
    with open(path, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def check(root, **facts):
    """The bundle at `root` is whole, holds nothing else, and was made for these facts; raises WrongBundle."""
    known = _read(root)
    for name, wanted in facts.items():
        if known.get(name) != wanted:
            raise WrongBundle(f"the bundle's {name} is {known.get(name)!r}, this node needs {wanted!r}")
    found = digests(root)
    for path, digest in known["files"].items():
        if path not in found:
            raise WrongBundle(f"{path} is missing in the bundle")
        if found[path] != digest:
            raise WrongBundle(f"{path} has SHA-256 {found[path]}, the bundle's manifest says {digest}")
    if foreign := sorted(found.keys() - known["files"].keys()):
        raise WrongBundle(f"{foreign[0]} is in the bundle, and its manifest does not know it")
    return known


def _read(root):
    text = read_text(os.path.join(root, MANIFEST))
    if text is None:
        raise WrongBundle(f"it has no {MANIFEST}: make a bundle with playbooks/bundle.yml")
    try:
        known = json.loads(text)
    except ValueError as error:
        raise WrongBundle(f"{MANIFEST}: {error}") from error
    if not isinstance(known, dict) or known.get("format") != FORMAT or not isinstance(known.get("files"), dict):
        raise WrongBundle(f"{MANIFEST} has a form that this version does not know: use the version that made it")
    return known
