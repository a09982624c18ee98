"""The record that a node keeps of everything that was written to it, so that all of it can be taken away again.

Modules add to it; only `undo` reads it back. It is one JSON file, changed by rename.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile

DIRECTORY = "/var/lib/orlop/node"
"""Home of the record, and of what files held before they were replaced."""

FORMAT = 1


class Record:
    """What was written so far. Changes are kept in memory until `save`."""

    def __init__(self, directory=DIRECTORY):
        self.directory = directory
        self.path = os.path.join(directory, "record.json")
        self.bootstrap_path = os.path.join(directory, "packages.bootstrap")
        self.files = {}  # path → part that wrote it, digest, and whether an earlier file is kept
        self.directories = []  # made by us: removed when empty
        self.trees = []  # ours alone: removed whole
        self.sysctls = {}  # name → value before
        self.links = {}  # path → target
        self.interfaces = []  # made by plugins at run time
        self.made = []  # files that a network's agent makes at run time
        self.moved = {}  # path of a file of others → where it was moved to
        self.units = []
        self.firewalld = []  # opened in it by us: ports such as 6443/tcp, and networks
        self.contexts = {}  # place → how SELinux was told of it
        self.packages = []  # installed by us, with what they pulled in
        self.load()

    def load(self):
        """Read what an earlier run recorded; a file of a later format is not guessed at."""
        try:
            with open(self.path, encoding="utf-8") as opened:
                known = json.load(opened)
        except FileNotFoundError:
            return
        if known.pop("format", None) != FORMAT:
            raise ValueError(f"{self.path} has a format that this version does not know: use the version that wrote it")
        for name in self._fields():
            # What a record of an earlier version does not have was not done by it.
            setattr(self, name, known.get(name, getattr(self, name)))

    def exists(self):
        """Whether anything was ever recorded here."""
        return os.path.exists(self.path)

    def save(self):
        """Replace the file, if there is news in it."""
        content = {"format": FORMAT, **{name: getattr(self, name) for name in self._fields()}}
        text = json.dumps(content, indent=2, sort_keys=True) + "\n"
        if read_text(self.path) != text:
            os.makedirs(self.directory, mode=0o700, exist_ok=True)
            write_atomic(self.path, text, 0o600)

    @staticmethod
    def _fields():
        return (
            "files",
            "directories",
            "trees",
            "links",
            "interfaces",
            "sysctls",
            "made",
            "moved",
            "units",
            "packages",
            "firewalld",
            "contexts",
        )

    def add_packages(self, names):
        """Packages that came in by our doing."""
        self.packages = sorted({*self.packages, *names})

    def add_tree(self, path):
        """A directory that is ours alone: it was not there, was empty, or holds nothing but this record."""
        if path in self.trees:
            return True
        try:
            ours = set(os.listdir(path)) <= {os.path.basename(self.directory)}
        except FileNotFoundError:
            ours = True
        if ours:
            self.trees = sorted({*self.trees, path})
        return ours

    def kept_copy(self, path):
        """Where the content that a file had before ours is kept."""
        return os.path.join(self.directory, "before", path.lstrip("/"))


def read_text(path):
    """The file's text, or None where there is no file."""
    try:
        with open(path, encoding="utf-8") as opened:
            return opened.read()
    except FileNotFoundError:
        return None


def write_atomic(path, text, mode):
    """The whole file or the old one, never a part; nobody else reads it before its mode is set."""
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".orlop-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as opened:
            opened.write(text)
            os.fchmod(opened.fileno(), mode)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def digest(text):
    """By which a later run sees that someone else changed a file."""
    return hashlib.sha256(text.encode()).hexdigest()


def missing_directories(path):
    """Directories that have to be made for the file, outermost first."""
    missing = []
    parent = os.path.dirname(path)
    while parent and not os.path.isdir(parent):
        missing.insert(0, parent)
        parent = os.path.dirname(parent)
    return missing
