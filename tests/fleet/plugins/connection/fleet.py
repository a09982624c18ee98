"""Runs modules in a lab node and writes down each round trip. Making and removing nodes is tests.fleet's."""

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet
short_description: Run tasks in a lab node, and write down each round trip
description:
  - For the measurement of tests.fleet alone. Each command and each file is one round trip, as over SSH with one
    connection kept open and pipelining; it takes the delay, and is a line of the log.
author:
  - The orlop maintainers
options:
  leader:
    description: Number of the node's first process.
    vars:
      - name: fleet_leader
  log:
    description: File that gets a line for each round trip - host, kind, seconds of processors in the host.
    vars:
      - name: fleet_log
  delay:
    description: Seconds that a round trip takes on its way.
    vars:
      - name: fleet_delay
"""

import os
import resource
import shlex
import subprocess
import time
from pathlib import Path

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection import ConnectionBase


class Connection(ConnectionBase):
    """Entering a node's namespaces takes a millisecond or two, so that what is measured is Ansible and its modules."""

    transport = "fleet"
    has_pipelining = True

    def _connect(self):
        self._connected = True
        return self

    def exec_command(self, cmd, in_data=None, sudoable=True):
        """Status, output and errors of a command line for the shell."""
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        return self._round_trip("command", cmd, in_data or b"")

    def put_file(self, in_path, out_path):
        """Write a file of the node."""
        super().put_file(in_path, out_path)
        code, _, error = self._round_trip("file", f"cat > {shlex.quote(out_path)}", Path(in_path).read_bytes())
        if code != 0:
            raise AnsibleConnectionFailure(f"cannot write {out_path}: {error.decode(errors='replace')}")

    def fetch_file(self, in_path, out_path):
        """Read a file of the node."""
        super().fetch_file(in_path, out_path)
        code, content, error = self._round_trip("file", f"cat {shlex.quote(in_path)}", b"")
        if code != 0:
            raise AnsibleConnectionFailure(f"cannot read {in_path}: {error.decode(errors='replace')}")
        Path(out_path).write_bytes(content)

    def close(self):
        """There is nothing to close."""
        self._connected = False

    def _round_trip(self, kind, cmd, data):
        time.sleep(float(self.get_option("delay") or 0))
        before = _processor_seconds()
        argv = ["nsenter", "-t", str(self.get_option("leader")), "-a", "--", "/bin/sh", "-c", cmd]
        env = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root",
            "LANG": "C.UTF-8",
        }
        done = subprocess.run(argv, input=data, capture_output=True, env=env, check=False)
        line = f"{self._play_context.remote_addr} {kind} {_processor_seconds() - before:.4f}\n"
        # Forks write to it at once: a short line that is appended is written whole.
        handle = os.open(self.get_option("log"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(handle, line.encode())
        os.close(handle)
        return done.returncode, done.stdout, done.stderr


def _processor_seconds():
    """Of the children of this process that have ended: what a host does of itself is in it, the controller is not."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
