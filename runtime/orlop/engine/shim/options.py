"""Options that a shim is given with each container, as type URL and encoded message."""

import os

from google.protobuf.any_pb2 import Any

from orlop.engine.shim.v1.options_pb2 import RuncOptions, RuntimeOptions

Options = tuple[str, bytes]


def runc_options(*, binary: str, root: str, systemd_cgroup: bool) -> Options:
    """For runc's shim (containerd.runc.v1.Options): the OCI runtime that it calls, and where that keeps its state."""
    options = RuncOptions(binary_name=binary, root=root, systemd_cgroup=systemd_cgroup)
    return "containerd.runc.v1.Options", options.SerializeToString()


def file_options(shim: str, config_path: str) -> Options:
    """For shims with a configuration file of their own, Kata and gVisor (runtimeoptions.v1.Options).

    They look for their own type inside, which is made of the binary's name: containerd-shim-kata-v2 takes
    io.containerd.kata.v2.options.
    """
    name = os.path.basename(shim).removeprefix("containerd-shim-").replace("-", ".")
    options = RuntimeOptions(type_url=f"io.containerd.{name}.options", config_path=config_path)
    return "runtimeoptions.v1.Options", options.SerializeToString()


def as_stdin(options: Options | None) -> bytes:
    """As the binary's `start` reads them."""
    return Any(type_url=options[0], value=options[1]).SerializeToString() if options else b""
