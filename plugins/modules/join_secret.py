#!/usr/bin/python
"""Makes on a control plane what another node joins its cluster with."""

from __future__ import annotations

DOCUMENTATION = r"""
module: join_secret
short_description: Make what a node joins a cluster with
description:
  - Makes a bootstrap token that lives for a short time.
  - Tells with it the digests of the cluster's CA and the API server's address.
  - For a control plane it also uploads the cluster's certificates, encrypted with a new key, for two hours.
  - Runs on a control plane of the cluster. Its result is secret, so the task needs C(no_log).
options:
  control_plane:
    description: Whether the node that joins is to be a control plane.
    type: bool
    default: false
  lifetime:
    description: How long the token lives, as a duration of Go.
    type: str
    default: 30m
  config:
    description: kubeadm's configuration on this machine; only its version is used.
    type: path
    default: /etc/kubernetes/orlop/kubeadm-init.yaml
attributes:
  check_mode:
    support: none
author:
  - The orlop maintainers
"""

EXAMPLES = r"""
- name: Make a token for this worker
  orlop.node.join_secret:
  delegate_to: control-plane-1
  register: secret
  no_log: true
"""

RETURN = r"""
member:
  description: Token, digests, and a control plane's key of certificates, by a declaration's names of C(member).
  returned: success
  type: dict
endpoint:
  description: The API server's address and port.
  returned: success
  type: str
"""

import re

from ansible.module_utils.basic import AnsibleModule

ADMIN = "/etc/kubernetes/admin.conf"
COMMAND = re.compile(r"kubeadm join (\S+)\s+--token\s+([a-z0-9]{6}\.[a-z0-9]{16})")
DIGEST = re.compile(r"--discovery-token-ca-cert-hash\s+(sha256:[0-9a-f]{64})")
KEY = re.compile(r"^[0-9a-f]{64}$", re.MULTILINE)


def main():
    """Ask kubeadm."""
    module = AnsibleModule(
        argument_spec={
            "control_plane": {"type": "bool", "default": False},
            "lifetime": {"type": "str", "default": "30m"},
            "config": {"type": "path", "default": "/etc/kubernetes/orlop/kubeadm-init.yaml"},
        }
    )
    arguments = ["--kubeconfig", ADMIN, "--ttl", module.params["lifetime"], "--print-join-command"]
    endpoint, member = parsed(call(module, ["token", "create", *arguments]))
    if module.params["control_plane"]:
        upload = ["init", "phase", "upload-certs", "--upload-certs", "--config", module.params["config"]]
        member["certificate_key"] = key(call(module, upload))
    module.exit_json(changed=True, endpoint=endpoint, member=member)


def parsed(text):
    """Address, and token with digests, of the command that kubeadm prints; ValueError where it printed none."""
    command, digests = COMMAND.search(text), DIGEST.findall(text)
    if not command or not digests:
        raise ValueError("kubeadm token create printed no command to join with")
    return command[1], {"token": command[2], "ca_cert_hashes": digests}


def key(text):
    """The key that kubeadm prints on a line of its own."""
    found = KEY.search(text)
    if not found:
        raise ValueError("kubeadm init phase upload-certs printed no key")
    return found[0]


def call(module, arguments):
    """kubeadm's output; in an error only what it said of the error."""
    code, output, error = module.run_command(["/usr/bin/kubeadm", *arguments])
    if code != 0:
        module.fail_json(msg=f"kubeadm {' '.join(arguments[:2])} ended with {code}: {error.strip()}")
    return output


if __name__ == "__main__":
    main()
