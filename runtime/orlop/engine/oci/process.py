"""The spec's process: command, directory, user, limits. Capabilities and environment have files of their own."""

import posixpath

from orlop.engine.oci.capabilities import capability_sets
from orlop.engine.oci.confinement import apparmor_profile
from orlop.engine.oci.environment import environment
from orlop.engine.oci.inputs import Spec, SpecInputs
from orlop.engine.oci.selinux import labels
from orlop.model.errors import InvalidArgument


def process(inputs: SpecInputs) -> Spec:
    """The spec's process."""
    context = inputs.config.linux.security_context
    part: Spec = {
        "terminal": inputs.config.tty,
        "user": user(inputs),
        "args": arguments(inputs),
        "env": environment(inputs),
        "cwd": working_dir(inputs),
        "capabilities": capability_sets(context, inputs.settings, inputs.facts),
        "noNewPrivileges": context.no_new_privs,
        "oomScoreAdj": inputs.oom_score_adj,
    }
    if inputs.settings.rlimits:
        part["rlimits"] = [
            {"type": f"RLIMIT_{limit.name.upper()}", "soft": limit.soft, "hard": limit.hard}
            for limit in inputs.settings.rlimits
        ]
    if profile := apparmor_profile(context, inputs.settings, inputs.facts):
        part["apparmorProfile"] = profile
    if label := labels(inputs.pod, context, inputs.facts).process:
        part["selinuxLabel"] = label
    return part


def user(inputs: SpecInputs) -> Spec:
    """process.user."""
    who = inputs.user
    return {"uid": who.uid, "gid": who.gid, "additionalGids": list(who.groups)}


def arguments(inputs: SpecInputs) -> list[str]:
    """The pod's command replaces the image's entrypoint and cmd; the pod's args replace the image's cmd only."""
    if inputs.config.command:
        argv = [*inputs.config.command, *inputs.config.args]
    else:
        argv = [*inputs.image.entrypoint, *(inputs.config.args or inputs.image.cmd)]
    if not argv:
        name = inputs.config.image.user_specified_image or inputs.config.image.image
        raise InvalidArgument(f"no command: neither the container nor image {name!r} gives one")
    if any("\0" in argument for argument in argv):
        raise InvalidArgument("the command holds a NUL byte")
    return argv


def working_dir(inputs: SpecInputs) -> str:
    """The pod's, the image's or "/"; always absolute."""
    path = posixpath.join("/", inputs.config.working_dir or inputs.image.working_dir)
    if "\0" in path:
        raise InvalidArgument("working_dir holds a NUL byte")
    return path
