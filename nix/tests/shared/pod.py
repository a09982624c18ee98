"""What the VM tests do with a pod; a test's script begins with this file."""


def start_pod(machine):
    """A pod with one container of the test's image; both ids."""
    machine.wait_for_unit("orlop.service")
    machine.succeed("orlop image import /etc/test/image.tar")
    pod = machine.succeed("crictl runp /etc/test/pod.json").strip()
    container = machine.succeed(f"crictl create {pod} /etc/test/container.json /etc/test/pod.json").strip()
    machine.succeed(f"crictl start {container}")
    return pod, container


def says(machine, container, word):
    """Whether a command in the container is run and heard."""
    assert machine.succeed(f"crictl exec -s {container} echo {word}").strip() == word
