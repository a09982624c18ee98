#!/usr/bin/python
"""Makes a cluster or joins one, once."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kubeadm
short_description: Make a cluster or join one with kubeadm, once
description:
  - Runs kubeadm init or kubeadm join where the machine is no member yet, which kubelet.conf, and on the first control
    plane admin.conf, in C(/etc/kubernetes) say.
  - A mark stands beside them while kubeadm runs. Where it is found, an earlier try did not come to its end; what that
    left is taken away with kubeadm reset before the next one.
  - What kubeadm says is never returned where it went well, for it holds a token.
  - Tokens and keys are taken out of what it says when it fails.
options:
  command:
    description:
      - V(look) only tells whether the machine is a member.
      - V(reset) takes a member out, and away what a try left that did not come to its end.
      - V(upgrade_apply) and V(upgrade_node) run on a member, whenever they are asked for.
    type: str
    choices: [init, join, look, reset, upgrade_apply, upgrade_node]
    required: true
  config:
    description: File of kubeadm's configuration on the node.
    type: path
  content:
    description: The configuration itself, for a file that is gone when kubeadm is; it may hold secrets.
    type: str
  socket:
    description: The runtime's socket, for the reset of a try that did not come to its end.
    type: path
    default: /run/orlop/orlop.sock
attributes:
  check_mode:
    support: full
author:
  - The orlop maintainers
"""

EXAMPLES = r"""
- name: Make the cluster
  orlop.node.kubeadm:
    command: init
    config: /etc/kubernetes/orlop/kubeadm-init.yaml
"""

RETURN = r"""
member:
  description: Whether the machine was a member before.
  returned: always
  type: bool
unfinished:
  description: Whether an earlier try did not come to its end.
  returned: always
  type: bool
"""

import os
import re
import tempfile

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.orlop.node.plugins.module_utils.record import write_atomic

KUBERNETES = "/etc/kubernetes"
CHOICES = ["init", "join", "look", "reset", "upgrade_apply", "upgrade_node"]
SECRET = re.compile(r"\b(?:[a-z0-9]{6}\.[a-z0-9]{16}|[0-9a-f]{64})\b")
"""Bootstrap tokens, and keys of certificates; digests go with them, which nobody needs in an error."""
TOLD = 25
"""Lines of kubeadm's output in an error."""


def main():
    """Look, and run kubeadm where that is to be done."""
    module = AnsibleModule(
        argument_spec={
            "command": {"type": "str", "choices": CHOICES, "required": True},
            "config": {"type": "path"},
            "content": {"type": "str", "no_log": True},
            "socket": {"type": "path", "default": "/run/orlop/orlop.sock"},
        },
        mutually_exclusive=[("config", "content")],
        required_if=[
            ("command", choice, ["config", "content"], True) for choice in CHOICES if choice not in ("look", "reset")
        ],
        supports_check_mode=True,
    )
    command = module.params["command"]
    member, unfinished = is_member(command), os.path.exists(mark())
    run = needed(command, member=member, unfinished=unfinished)
    if run and not module.check_mode:
        try:
            if command == "reset":
                reset(module)
            elif command.startswith("upgrade_"):
                upgrade(module, command)
            else:
                carry_out(module, command, unfinished)
        except OSError as error:
            module.fail_json(msg=f"kubeadm {command}: {error}")
    module.exit_json(changed=run, member=member, unfinished=unfinished)


def mark(directory=KUBERNETES):
    """Where it is noted that kubeadm runs."""
    return os.path.join(directory, "orlop", "unfinished")


def is_member(command, directory=KUBERNETES):
    """Whether an earlier run of the command came to its end."""
    needed = ["kubelet.conf"] + (["admin.conf"] if command == "init" else [])
    there = all(os.path.exists(os.path.join(directory, name)) for name in needed)
    return there and not os.path.exists(mark(directory))


def carry_out(module, command, unfinished):
    """Run it; the mark goes when it has come to its end."""
    if unfinished:
        reset(module)
    os.makedirs(os.path.dirname(mark()), exist_ok=True)
    write_atomic(mark(), f"kubeadm {command} has begun and has not come to its end.\n", 0o600)
    path = module.params["config"] or temporary(module.params["content"])
    try:
        call(module, command, ["--config", path])
    finally:
        if not module.params["config"]:
            os.unlink(path)
    os.unlink(mark())


def needed(command, *, member, unfinished):
    """Whether kubeadm is to be run."""
    if command == "reset":
        return member or unfinished
    return command.startswith("upgrade_") or (command != "look" and not member)


def reset(module):
    """Take away what kubeadm and the kubelet made; the mark goes last."""
    call(module, "reset", ["--force", "--cri-socket", f"unix://{module.params['socket']}"])
    if os.path.exists(mark()):
        os.unlink(mark())


def upgrade(module, command):
    """Without a mark: what an upgrade leaves half done is repeated by the next one, and never taken away."""
    path = module.params["config"] or temporary(module.params["content"])
    try:
        verb = ["apply", "--yes"] if command == "upgrade_apply" else ["node"]
        call(module, "upgrade", [*verb, "--config", path])
    finally:
        if not module.params["config"]:
            os.unlink(path)


def temporary(content):
    """A file for root alone, in memory."""
    handle, path = tempfile.mkstemp(dir="/run", prefix="orlop-kubeadm-", suffix=".yaml")
    with os.fdopen(handle, "w", encoding="utf-8") as opened:
        opened.write(content)
    return path


def call(module, command, arguments):
    """kubeadm's own words where it fails, without what is secret in them."""
    code, output, error = module.run_command(
        ["/usr/bin/kubeadm", command, *arguments], environ_update={"LC_ALL": "C.UTF-8"}
    )
    if code != 0:
        module.fail_json(msg=f"kubeadm {command} ended with {code}:\n{shown(output, error)}")


def shown(output, error):
    """The end of what was said; errors of checks are on the error output."""
    lines = [*output.strip().splitlines()[-TOLD:], *error.strip().splitlines()[-TOLD:]]
    return SECRET.sub("(secret)", "\n".join(lines))


if __name__ == "__main__":
    main()
