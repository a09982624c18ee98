"""SELinux's contexts of places, by semanage-fcontext(8) and restorecon(8)."""

from __future__ import annotations

import os
import subprocess

ENFORCE = "/sys/fs/selinux/enforce"


class ContextError(Exception):
    """A command of SELinux could not do it; the text holds its own words."""


def mode(path=ENFORCE):
    """enforcing or permissive; empty where the kernel runs without it."""
    try:
        with open(path, encoding="utf-8") as opened:
            return "enforcing" if opened.read().strip() == "1" else "permissive"
    except FileNotFoundError:
        return ""


def say(wanted):
    """Tell the policy, for good: place → option and its value."""
    for path, (option, value) in sorted(wanted.items()):
        _semanage("-a", option, value, path, known="already")


def unsay(known):
    """Take it back."""
    for path, (option, value) in sorted(known.items()):
        _semanage("-d", option, value, path, known="not defined")


def label(places, check_mode):
    """Label what is there; the lines of what was, or would be, labelled anew."""
    there = [path for path in places if os.path.exists(path)]
    argv = ["restorecon", "-R", "-v", *(["-n"] if check_mode else []), *there]
    return _run(argv).splitlines() if there else []


def _semanage(verb, option, value, path, known):
    """A rule that is there, or is not there, already is as good."""
    try:
        _run(["semanage", "fcontext", verb, option, value, path])
    except ContextError as error:
        if known not in str(error):
            raise


def _run(argv):
    try:
        done = subprocess.run(argv, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise ContextError(
            f"{argv[0]} is missing, without which SELinux knows nothing of the daemon's places: install"
            " policycoreutils-python-utils and container-selinux"
        ) from error
    if done.returncode != 0:
        raise ContextError(f"{' '.join(argv)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout
