"""Counters of a pod's interfaces (proc_pid_net(5), net/dev), without a process started and mostly without a thread.

Measured in microseconds: the file of a process inside 7, compared with the pod's namespace first 11, a thread of our
own that joins the namespace 400, netlink from there 2,200.
"""

from orlop.linux.files import read_text
from orlop.linux.namespaces import run_in_netns, same_namespace
from orlop.model.stats import NetworkInterfaceUsage, NetworkUsage

DEFAULT_INTERFACE = "eth0"


def network_usage(netns: str, pid: int, now_ns: int) -> NetworkUsage | None:
    """The interfaces but loopback; None when the namespace has gone. `pid`: a process that should be in it, or 0."""
    try:
        text = _net_dev(netns, pid)
    except OSError:  # gone, or going: figures of it are of no use
        return None
    interfaces = parse_net_dev(text)
    default = next((item for item in interfaces if item.name == DEFAULT_INTERFACE), None)
    return NetworkUsage(timestamp=now_ns, default_interface=default, interfaces=tuple(interfaces))


def _net_dev(netns: str, pid: int) -> str:
    # The pid may be another process's by now, hence the comparison.
    if pid and same_namespace(f"/proc/{pid}/ns/net", netns):
        try:
            return read_text(f"/proc/{pid}/net/dev")
        except OSError:
            pass  # it has just ended
    return run_in_netns(netns, lambda: read_text("/proc/thread-self/net/dev"))


def parse_net_dev(text: str) -> list[NetworkInterfaceUsage]:
    """The table's lines: a name, a colon, eight counters received and eight sent."""
    found = []
    for line in text.splitlines():
        name, colon, rest = line.rpartition(":")
        counters = rest.split()
        if not colon or len(counters) < 16 or not all(map(str.isdecimal, counters)) or name.strip() == "lo":
            continue
        values = [int(counter) for counter in counters]
        found.append(
            NetworkInterfaceUsage(
                name=name.strip(), rx_bytes=values[0], rx_errors=values[2], tx_bytes=values[8], tx_errors=values[10]
            )
        )
    return found
