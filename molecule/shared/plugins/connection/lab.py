"""Runs modules in a lab node, through `lab enter`. Making and removing the node is the scenario's."""

from __future__ import annotations

DOCUMENTATION = r"""
name: lab
short_description: Run tasks in a lab node
description:
  - Runs commands as root in a node that C(molecule/shared/lab) made; no ssh server is needed in it.
author:
  - The orlop maintainers
options:
  node:
    description: Name of the lab node.
    default: inventory_hostname
    vars:
      - name: inventory_hostname
      # Of a task that is delegated this is the other host.
      - name: ansible_host
"""

import shlex
import subprocess
import sys
from pathlib import Path

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection import ConnectionBase

LAB = Path(__file__).resolve().parents[2] / "lab"


class Connection(ConnectionBase):
    """Nothing is kept open: entering a node takes a few milliseconds."""

    transport = "lab"
    has_pipelining = True

    def _connect(self):
        self._connected = True
        return self

    def exec_command(self, cmd, in_data=None, sudoable=True):
        """Status, output and errors of a command line for the shell."""
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        argv = [sys.executable, str(LAB), "enter", self.get_option("node"), "/bin/sh", "-c", cmd]
        done = subprocess.run(argv, input=in_data or b"", capture_output=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def put_file(self, in_path, out_path):
        """Write a file of the node."""
        super().put_file(in_path, out_path)
        code, _, error = self.exec_command(f"cat > {shlex.quote(out_path)}", in_data=Path(in_path).read_bytes())
        if code != 0:
            raise AnsibleConnectionFailure(f"cannot write {out_path}: {error.decode(errors='replace')}")

    def fetch_file(self, in_path, out_path):
        """Read a file of the node."""
        super().fetch_file(in_path, out_path)
        code, content, error = self.exec_command(f"cat {shlex.quote(in_path)}")
        if code != 0:
            raise AnsibleConnectionFailure(f"cannot read {in_path}: {error.decode(errors='replace')}")
        Path(out_path).write_bytes(content)

    def close(self):
        """There is nothing to close."""
        self._connected = False
