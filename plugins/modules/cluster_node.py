#!/usr/bin/python
"""A node of a cluster, by kubectl: what the cluster says of it, and taking its pods away and back."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_node
short_description: Tell, drain or bring back a node of a cluster
description:
  - Runs on a control plane, with kubectl and the administrator's kubeconfig.
  - A node that this module has drained carries an annotation until it is brought back, so that a run that was cut short
    goes on where it stopped, and a node that a person has drained stays as that person left it.
options:
  name:
    description: The node's name.
    type: str
    required: true
  state:
    description:
      - V(told) changes nothing.
      - V(drained) lets no new pod in and evicts those that are there, as their disruption budgets allow.
      - V(back) lets pods in again, where this module has drained the node.
    type: str
    choices: [told, drained, back]
    required: true
  timeout:
    description: Seconds that evictions may take.
    type: int
    default: 600
attributes:
  check_mode:
    support: full
author:
  - The orlop maintainers
"""

EXAMPLES = r"""
- name: Drain this node
  orlop.node.cluster_node:
    name: "{{ inventory_hostname }}"
    state: drained
  delegate_to: control-plane-1
"""

RETURN = r"""
server:
  description: The API server's version.
  returned: always
  type: str
cluster:
  description: The version that kubeadm has brought the cluster to.
  returned: always
  type: str
kubelets:
  description: Each node's kubelet version, by the node's name.
  returned: always
  type: dict
drained:
  description: Whether the node has been drained by this module and not been brought back.
  returned: always
  type: bool
"""

import json
import os
import re

from ansible.module_utils.basic import AnsibleModule

ADMIN = "/etc/kubernetes/admin.conf"
KUBECTL = ["/usr/bin/kubectl", f"--kubeconfig={ADMIN}"]
MARK = "node.orlop.dev/drained"
VERSION = re.compile(r"^kubernetesVersion:\s*(\S+)$", re.MULTILINE)


def main():
    """Ask, then do."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["told", "drained", "back"], "required": True},
            "timeout": {"type": "int", "default": 600},
        },
        supports_check_mode=True,
    )
    name, state = module.params["name"], module.params["state"]
    if not os.path.exists(ADMIN):
        module.fail_json(msg="there is no cluster here yet: make it with playbooks/site.yml", missing=True)
    facts = told(module, name)
    change = (state == "drained" and not facts["drained"]) or (state == "back" and facts["drained"])
    if state == "drained" and not module.check_mode:
        drain(module, name)
    elif change and not module.check_mode:
        call(module, ["uncordon", name])
        call(module, ["annotate", "node", name, f"{MARK}-"])
    module.exit_json(changed=change, **facts)


def told(module, name):
    """What the cluster says; a node that it does not know fails with the names that it knows."""
    nodes = json.loads(call(module, ["get", "nodes", "--output=json"]))["items"]
    found = {node["metadata"]["name"]: node for node in nodes}
    if name not in found:
        module.fail_json(
            msg=f"the cluster has no node {name!r}, only {', '.join(sorted(found))}: set member.node_name in"
            " orlop_node, or join the node first (playbooks/site.yml)",
            missing=True,
        )
    configuration = call(module, ["get", "configmap", "kubeadm-config", "-n=kube-system", "--output=json"])
    return {
        "server": json.loads(call(module, ["version", "--output=json"]))["serverVersion"]["gitVersion"],
        "cluster": version(json.loads(configuration)["data"]["ClusterConfiguration"]),
        "kubelets": {each: node["status"]["nodeInfo"]["kubeletVersion"] for each, node in found.items()},
        "drained": MARK in found[name]["metadata"].get("annotations", {}),
    }


def version(text):
    """kubeadm's version of the cluster, of the configuration that it keeps there; empty where it says none."""
    found = VERSION.search(text)
    return found[1].strip("\"'") if found else ""


def drain(module, name):
    """The mark first: whatever happens then, the node is known as drained by this module."""
    call(module, ["annotate", "--overwrite", "node", name, f"{MARK}=true"])
    wait = f"--timeout={module.params['timeout']}s"
    call(module, ["drain", name, "--ignore-daemonsets", "--delete-emptydir-data", wait])


def call(module, arguments):
    """kubectl's output; an error is told in its own words."""
    code, output, error = module.run_command([*KUBECTL, *arguments])
    if code != 0:
        module.fail_json(msg=f"kubectl {' '.join(arguments[:3])} ended with {code}: {error.strip()}")
    return output


if __name__ == "__main__":
    main()
