"""Programs by version and digest: fetched, compared, kept side by side, and one of each linked as the one in use."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile

from ansible.module_utils.urls import open_url
from ansible_collections.orlop.node.plugins.module_utils.bundle import PLACE
from ansible_collections.orlop.node.plugins.module_utils.record import Record, missing_directories

LARGEST = 2 << 30
"""Bytes of one file; a server that never ends must not fill the disk."""
CHUNK = 1 << 20


class WrongArtefact(Exception):
    """It cannot be had or trusted; the text names the declaration's option and what to do."""


class Store:
    """Programs in one directory, and links to those in use in another."""

    def __init__(self, directory, links, bundle=PLACE, record=None):
        self.directory = directory
        self.links = links
        self.bundle = bundle
        self.record = record or Record()

    def converge(self, artefacts, check_mode):
        """The module's result; without check mode also its doing."""
        for each in artefacts:
            if not each["sha256"]:
                raise WrongArtefact(unknown(each))
            self.refuse_foreign(each["name"])
        wanted = {each["name"]: self.path_of(each) for each in artefacts}
        renewed = [name for name, path in wanted.items() if self.in_use(name) != path]
        missing = [each for each in artefacts if not os.path.exists(self.path_of(each))]
        if not check_mode:
            self.carry_out(missing, wanted)
        return {
            "changed": bool(missing or renewed),
            "programs": wanted,
            "renewed": renewed,
            "diff": {
                "before": "",
                "after": "".join(f"{wanted[name]}\n" for name in renewed),
                "after_header": "programs",
            },
        }

    def carry_out(self, missing, wanted):
        """Bring all before the first link changes: an address that fails leaves what was in use together."""
        self.record.trees = sorted({*self.record.trees, self.directory})
        for made in missing_directories(os.path.join(self.directory, "x")):
            os.mkdir(made, 0o755)
            if made != self.directory:
                self.record.directories.append(made)
        self.record.save()
        for first, *others in by_content(missing):
            self.bring(first, others)
        for name, path in wanted.items():
            before = self.in_use(name)
            self.link(name, path)
            self.tidy(name, {path, before})
        self.record.save()

    def path_of(self, artefact):
        """Where a program is kept; the name is its identity, for the file appears under it whole and compared."""
        name = f"{artefact['name']}-{artefact['version']}-{artefact['sha256'][:12]}"
        return os.path.join(self.directory, name)

    def in_use(self, name):
        """The file that the program's link leads to; None where there is no link."""
        link = os.path.join(self.links, name)
        return os.readlink(link) if os.path.islink(link) else None

    def refuse_foreign(self, name):
        """A program of someone else under the name is not ours to replace."""
        link, target = os.path.join(self.links, name), self.in_use(name)
        ours = target is not None and os.path.dirname(target) == self.directory
        if os.path.lexists(link) and not ours:
            raise WrongArtefact(
                f"{link} is there and not by these roles: remove it, or the package that it is of, or leave {name} to"
                " others: Kubernetes' programs with kubernetes_install: false, others by not naming them in artefacts"
            )

    def bring(self, artefact, others=()):
        """The file at its place, by one rename; before it those of others that are in the same archive."""
        handle, temporary = tempfile.mkstemp(dir=self.directory, prefix=".incoming-")
        try:
            with os.fdopen(handle, "wb") as target:
                fetch(artefact, target, self.bundle)
            if tarfile.is_tarfile(temporary):
                for each in others:
                    unpack(each["name"], temporary, f"{temporary}.other")
                    os.chmod(f"{temporary}.other", 0o755)
                    os.replace(f"{temporary}.other", self.path_of(each))
                unpack(artefact["name"], temporary, temporary)
            elif others:
                raise WrongArtefact(f"{artefact['url']} is no archive, and should hold {artefact['name']} and others")
            os.chmod(temporary, 0o755)
            os.replace(temporary, self.path_of(artefact))
        except BaseException:
            os.unlink(temporary)
            raise

    def link(self, name, path):
        """The link that makes the program the one in use."""
        link = os.path.join(self.links, name)
        self.record.links[link] = path
        if self.in_use(name) == path:
            return
        temporary = os.path.join(self.links, f".orlop-{name}")
        if os.path.lexists(temporary):
            os.unlink(temporary)
        os.symlink(path, temporary)
        os.replace(temporary, link)

    def tidy(self, name, kept):
        """Remove versions of the program that are neither in use nor the one before."""
        for entry in os.listdir(self.directory):
            path = os.path.join(self.directory, entry)
            if entry.startswith(f"{name}-") and path not in kept and len(kept - {None}) > 1:
                os.unlink(path)


def fetch(artefact, target, bundle=None):
    """Its bytes, compared, from the bundle if that has them; WrongArtefact names the option that is wrong."""
    name, wanted, found = artefact["name"], artefact["sha256"], hashlib.sha256()
    option = option_of(artefact)
    place = os.path.join(bundle or "", "artefacts", wanted)
    url = place if bundle and os.path.exists(place) else artefact["url"]
    try:
        with opened(url) as source:
            copy(source, target, found)
    except (OSError, ValueError) as error:
        raise WrongArtefact(
            f"{name} {artefact['version']} cannot be fetched from {url}: {error}. Name another place as"
            f" artefacts.{option}.url in the declaration, or bring it in a bundle (playbooks/bundle.yml)"
        ) from error
    if found.hexdigest() != wanted:
        raise WrongArtefact(
            f"{url} has SHA-256 {found.hexdigest()}, not {wanted}: what is there is not {name}"
            f" {artefact['version']}, or artefacts.{option}.sha256 in the declaration is wrong"
        )


def opened(url):
    """A file to read, local or of a server; proxies are the machine's."""
    if url.startswith("/"):
        return open(url, "rb")
    return open_url(url, timeout=60, http_agent="orlop")


def copy(source, target, digest):
    """All bytes of the source, at most LARGEST."""
    size = 0
    while chunk := source.read(CHUNK):
        size += len(chunk)
        if size > LARGEST:
            raise ValueError(f"it is larger than {LARGEST} bytes")
        digest.update(chunk)
        target.write(chunk)


def unknown(artefact):
    """What to say of a file whose digest nobody has said."""
    return (
        f"the lock file has no SHA-256 of {artefact['name']} {artefact['version']} ({artefact['url']}): give it in the"
        f" declaration (artefacts.{option_of(artefact)}.sha256)"
    )


def option_of(artefact):
    """Its name in the declaration, which for a plugin is that of its archive."""
    return artefact.get("option") or artefact["name"]


def by_content(artefacts):
    """Lists of those that have one digest: what is fetched once."""
    found = {}
    for each in artefacts:
        found.setdefault(each["sha256"], []).append(each)
    return found.values()


def unpack(name, path, target):
    """The one regular file in the archive at the path that has the name, to the target, which may be the archive."""
    with tarfile.open(path) as archive:
        members = [each for each in archive if each.isreg() and os.path.basename(each.name) == name]
        if len(members) != 1 or members[0].size > LARGEST:
            raise WrongArtefact(f"the archive of {name} has {len(members)} files of that name, and should have one")
        with open(f"{path}.unpacked", "wb") as unpacked:
            shutil.copyfileobj(archive.extractfile(members[0]), unpacked)
    os.replace(f"{path}.unpacked", target)
