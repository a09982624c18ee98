"""The node's AppArmor profile for containers that ask for none by name (apparmor.d(5)), and loading it.

It takes away what a container's root should never do to its node, and nothing that images are known to need. A profile
of the administrator's own under another name replaces it: container.apparmor_profile.
"""

import logging
import shutil

from orlop.aio.process import CommandError, run
from orlop.engine.oci.facts import with_apparmor_profiles
from orlop.engine.oci.inputs import HostFacts

log = logging.getLogger(__name__)

NAME = "orlop-default"
TIME_LIMIT = 60.0

PROFILE = f"""\
profile {NAME} flags=(attach_disconnected,mediate_deleted) {{
  network,
  unix,
  capability,
  file,
  umount,

  # From the node: the OCI runtimes' and conmon's signals. Among containers: their own.
  signal (receive) peer=unconfined,
  signal (receive) peer=runc,
  signal (receive) peer=crun,
  signal (send, receive) peer={NAME},
  ptrace (trace, read, tracedby, readby) peer={NAME},
  ptrace (readby, tracedby) peer=unconfined,

  deny mount,

  # The kernel's switches: of /proc/sys only what belongs to the pod's own namespaces.
  deny /proc/sysrq-trigger rwklx,
  deny /proc/kcore rwklx,
  deny /proc/{{[^1-9s],[^1-9s]*,s[^ey]*}} w,
  deny /proc/sys/{{[^fkn]*,f[^s]*,k[^e]*,n[^e]*}}/** wklx,
  deny /proc/sys/fs/[^m]** wklx,
  deny /proc/sys/kernel/{{[^ms]**,m[^s]**,s[^he]**}} wklx,

  deny /sys/firmware/** rwklx,
  deny /sys/kernel/security/** rwklx,
  deny /sys/devices/virtual/powercap/** rwklx,
  deny /sys/[^f]*/** wklx,
  deny /sys/f[^s]*/** wklx,
  deny /sys/fs/[^c]*/** wklx,
}}
"""


async def ensure_loaded(facts: HostFacts, profile: str) -> HostFacts:
    """The facts, with our own profile loaded where the kernel has AppArmor and `profile` is its name. Logs failures."""
    if not facts.apparmor or profile != NAME or profile in facts.apparmor_profiles:
        return facts
    parser = shutil.which("apparmor_parser", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if parser is None:
        log.warning("AppArmor profile %s cannot be loaded: apparmor_parser is not installed (package apparmor)", NAME)
        return facts
    try:
        await run([parser, "--replace", "--skip-cache"], stdin=PROFILE.encode(), timeout=TIME_LIMIT)
    except (CommandError, OSError) as error:
        log.warning("AppArmor profile %s cannot be loaded: %s", NAME, error)
        return facts
    log.info("AppArmor profile %s is loaded", NAME)
    return with_apparmor_profiles(facts)
