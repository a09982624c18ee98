#!/usr/bin/python
"""Tells firewalld which ports a node serves; of another firewall says in words what it must let in."""

from __future__ import annotations

DOCUMENTATION = r"""
module: firewall
short_description: Let a node's ports through firewalld, or say what another firewall must let in
description:
  - Where firewalld runs, opens the ports in its default zone and puts pods' networks into its zone C(trusted).
  - Records what it opened, so that M(orlop.node.undo) can close it; what an earlier run opened and is no longer wanted
    is closed.
  - Where ufw is active, or an nftables chain drops what comes in, changes nothing and warns.
options:
  ports:
    description: Ports as the filter P(orlop.node.plan#filter) gives them.
    type: list
    elements: dict
    required: true
    options:
      first:
        description: The port, or the first of a range.
        type: int
        required: true
      last:
        description: The last of the range.
        type: int
        required: true
      protocol:
        description: Its protocol.
        type: str
        choices: [tcp, udp]
        required: true
      source:
        description: Who must reach it.
        type: str
        required: true
      server:
        description: Who listens.
        type: str
      free:
        description: Whether it must be free before the node joins.
        type: bool
  networks:
    description: Networks of pods.
    type: list
    elements: str
    default: []
  open:
    description: Whether firewalld is told; if not, it is spoken of as of the others.
    type: bool
    default: true
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
author:
  - The orlop maintainers
"""

EXAMPLES = r"""
- name: Let the cluster in
  orlop.node.firewall:
    ports: "{{ (orlop_node | orlop.node.plan).ports }}"
"""

RETURN = r"""
firewall:
  description: C(firewalld), C(ufw), C(nftables), or nothing.
  returned: always
  type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.orlop.node.plugins.module_utils import firewalls
from ansible_collections.orlop.node.plugins.module_utils.record import Record

NODE_PORTS = 30000
"""First of Services' ports: who serves the world by them says so himself."""
HINTS = {
    "firewalld": "firewall-cmd --permanent --add-port=PORT, or host.firewalld in the declaration",
    "ufw": "ufw allow PORT, and ufw default allow routed for pods",
    "nftables": "accept them in the chain at the hook input, and pods' addresses in the one at the hook forward",
}


def main():
    """Look, then open."""
    module = AnsibleModule(
        argument_spec={
            "ports": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "first": {"type": "int", "required": True},
                    "last": {"type": "int", "required": True},
                    "protocol": {"type": "str", "choices": ["tcp", "udp"], "required": True},
                    "source": {"type": "str", "required": True},
                    "server": {"type": "str"},
                    "free": {"type": "bool"},
                },
            },
            "networks": {"type": "list", "elements": "str", "default": []},
            "open": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    wanted = [text(port) for port in module.params["ports"] if is_of_the_cluster(port)]
    try:
        module.exit_json(**converge(module, wanted))
    except (OSError, ValueError, firewalls.FirewallError) as error:
        module.fail_json(msg=str(error))


def converge(module, wanted):
    """The module's result; without check mode also its doing."""
    found = firewalls.kind()
    if found != "firewalld" or not module.params["open"]:
        if found and wanted:
            module.warn(f"{found} is active here, and must let in {', '.join(wanted)}: {HINTS[found]}")
        return {"changed": False, "firewall": found}
    record = Record()
    wanted += module.params["networks"]
    more = firewalls.closed(wanted)
    less = [each for each in record.firewalld if each not in wanted]
    if not module.check_mode:
        firewalls.open_(more)
        firewalls.close(less)
        record.firewalld = sorted(({*record.firewalld} - {*less}) | {*more})
        record.save()
    return {
        "changed": bool(more or less),
        "firewall": found,
        "diff": {"before": lines(less), "after": lines(more), "before_header": found, "after_header": found},
    }


def is_of_the_cluster(port):
    """Reached from elsewhere, by those whom the cluster names."""
    return port["source"] != "this machine" and port["first"] != NODE_PORTS


def text(port):
    """As firewalls write it."""
    numbers = str(port["first"]) if port["first"] == port["last"] else f"{port['first']}-{port['last']}"
    return f"{numbers}/{port['protocol']}"


def lines(parts):
    """For a difference."""
    return "".join(f"{each}\n" for each in parts)


if __name__ == "__main__":
    main()
