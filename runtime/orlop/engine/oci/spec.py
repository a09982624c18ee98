"""build_spec: a container's config.json put together from its parts; each part is a pure function in its own file."""

from orlop.engine.oci.inputs import Spec, SpecInputs


def build_spec(inputs: SpecInputs) -> Spec:
    """The whole config.json. Raises InvalidArgument, FailedPrecondition or Unsupported naming the field at fault."""
    raise NotImplementedError


def exec_process(inputs: SpecInputs, command: tuple[str, ...], *, terminal: bool = False) -> Spec:
    """The process.json of a command run inside the container: same user, limits and seccomp as its first process."""
    raise NotImplementedError


def write_config(bundle: str, spec: Spec) -> None:
    """Write <bundle>/config.json at once and whole."""
    raise NotImplementedError


def exec_process_of(bundle: str, command: tuple[str, ...], *, terminal: bool = False) -> Spec:
    """exec_process read from <bundle>/config.json, for a container that was made earlier."""
    raise NotImplementedError
