"""The way back: what a record's removal would do, and doing it. Stopping the daemon and its pods comes before."""

from __future__ import annotations

import os
import shutil
import subprocess

from ansible_collections.orlop.node.plugins.module_utils import contexts, firewalls
from ansible_collections.orlop.node.plugins.module_utils.record import digest, read_text

CGROUPS = ("orlop", "orlop-monitor")
"""Names of cgroups that the daemon makes below its parents and that outlive its last pod, empty."""


class Refused(Exception):
    """Removing would destroy more than was written; the text says what to do."""


class Removal:
    """Planned at once from the record; `carry_out` does it in an order that can be repeated after a failure."""

    def __init__(self, record, sysctl_root="/proc/sys", mounts="/proc/self/mountinfo", cgroup_root="/sys/fs/cgroup"):
        self.cgroup_root = cgroup_root
        self.record = record
        self.sysctl_root = sysctl_root
        self.mounts = mounts
        self.trees = [path for path in record.trees if os.path.isdir(path)]
        self.packages = sorted({*record.packages, *self._bootstrap_packages()})
        self.kept = []
        self.restored = []
        self.removed = []
        for path in sorted(record.files):
            if os.path.exists(path):
                self._plan_file(path)
        self.removed += [path for path, target in sorted(record.links.items()) if _points_to(path, target)]
        self.removed += [path for path in record.made if os.path.isfile(path)]
        self.removed += [name for name in record.interfaces if os.path.isdir(f"/sys/class/net/{name}")]
        self.removed += self.trees
        self.restored += [path for path, aside in sorted(record.moved.items()) if self._comes_back(path, aside)]
        self.restored += [name for name in sorted(record.sysctls) if self._differs(name)]
        self.removed += [f"{each} in firewalld" for each in record.firewalld]
        self.removed += [f"{path} in SELinux's contexts" for path in sorted(record.contexts)]

    def check(self):
        """Refuse where a tree still holds mounts: what is mounted is not ours to delete."""
        with open(self.mounts, encoding="utf-8") as opened:
            points = [line.split()[4] for line in opened]
        for tree in self.trees:
            below = [point for point in points if point == tree or point.startswith(tree.rstrip("/") + "/")]
            if below:
                raise Refused(f"{below[0]} is still mounted below {tree}: stop what uses it, then try again")

    def carry_out(self):
        """Files first, then directories, the record last: a second try finds what is left to do."""
        for path in list(self.record.files):
            self._undo_file(path)
        for path, target in self.record.links.items():
            if _points_to(path, target):
                os.unlink(path)
        for path in self.record.made:
            if os.path.isfile(path):
                os.unlink(path)
        for path, aside in self.record.moved.items():
            if self._comes_back(path, aside):
                os.replace(aside, path)
        for name in self.record.interfaces:
            if os.path.isdir(f"/sys/class/net/{name}"):
                subprocess.run(["ip", "link", "delete", name], check=True)
        for name in list(self.record.sysctls):
            self._undo_sysctl(name)
        firewalls.close(self.record.firewalld)
        contexts.unsay(self.record.contexts)
        for tree in self.trees:
            if not self.record.directory.startswith(tree.rstrip("/") + "/"):
                shutil.rmtree(tree)
        self._remove_empty_directories()
        self._remove_empty_cgroups()
        self._remove_record()

    def _plan_file(self, path):
        known = self.record.files[path]
        if digest(read_text(path)) != known["sha256"]:
            self.kept.append(f"{path}.kept")
        elif not known["replaced"]:
            self.removed.append(path)
        if known["replaced"]:
            self.restored.append(path)

    def _undo_file(self, path):
        known = self.record.files[path]
        text = read_text(path)
        if text is not None and digest(text) != known["sha256"]:
            os.replace(path, f"{path}.kept")
        copy = self.record.kept_copy(path)
        if known["replaced"] and os.path.exists(copy):
            # Another file system perhaps, so not a rename.
            shutil.copy2(copy, path)
        elif os.path.exists(path):
            os.unlink(path)

    def _comes_back(self, path, aside):
        """A file of others that was moved out of the way; not where another stands there now, or an agent is gone."""
        return os.path.lexists(aside) and not os.path.lexists(path) and aside not in self.record.made

    def _differs(self, name):
        return self._read(name) not in (None, self.record.sysctls[name])

    def _read(self, name):
        text = read_text(self._parameter(name))
        return None if text is None else " ".join(text.split())

    def _undo_sysctl(self, name):
        if self._differs(name):
            with open(self._parameter(name), "w", encoding="utf-8") as opened:
                # A write of nothing is no write: an empty value is restored by its line end.
                opened.write(self.record.sysctls[name] + "\n")

    def _parameter(self, name):
        return os.path.join(self.sysctl_root, name if "/" in name else name.replace(".", "/"))

    def _remove_empty_directories(self):
        for directory in sorted(self.record.directories, key=len, reverse=True):
            try:
                os.rmdir(directory)
            except OSError:
                # Not empty: someone else uses it now. Not there: just as well.
                continue

    def _remove_empty_cgroups(self):
        for place, _, _ in os.walk(self.cgroup_root, topdown=False):
            if os.path.basename(place) in CGROUPS:
                try:
                    os.rmdir(place)
                except OSError:
                    # In use after all, or below another container engine's eyes: a reboot takes it.
                    continue

    def _remove_record(self):
        directory = self.record.directory
        holder = os.path.dirname(directory)
        shutil.rmtree(holder if holder in self.trees else directory)
        if os.path.isdir(holder) and not os.listdir(holder):
            os.rmdir(holder)

    def _bootstrap_packages(self):
        return (read_text(self.record.bootstrap_path) or "").split()


def _points_to(path, target):
    """Whether it is still the link that was made."""
    return os.path.islink(path) and os.readlink(path) == target
