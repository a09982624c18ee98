"""The node in a virtual machine: cgroup version 2, systemd, AppArmor. By hand: without /dev/kvm it takes half an hour.

python -m tests.vm make               the disk, from this checkout
python -m tests.vm run facts runc     boot, and what is looked at (tests.vm.guest); all without names
python -m tests.vm run selinux        the same with SELinux, permissive
"""

import sys

from tests.vm import image, selinux
from tests.vm.machine import Machine
from tests.vm.tools import place

GUEST = "cd /srv/src && PYTHONPATH=. python3 -u -m tests.vm.guest"
READY = "for i in $(seq 300); do systemctl is-active -q orlop && exit 0; sleep 1; done; journalctl -u orlop; exit 1"


def main(words: list[str]) -> int:
    match words:
        case ["make"]:
            image.make()
            return 0
        case ["run", *parts]:
            with Machine(**({"kernel_options": selinux.OPTIONS} if selinux.PARTS & set(parts) else {})) as machine:
                machine.follow(READY)
                status = machine.follow(" ".join([GUEST, *parts]))
                machine.ssh("journalctl -u orlop > /srv/orlop.log", check=False)
                machine.fetch("/srv/orlop.log", place("orlop.log"))
                return status
        case _:
            print(__doc__)
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
