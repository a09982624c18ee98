# A node from the lab profile runs a pod from an imported image, and takes it away without a trace.
{
  name = "orlop-pod-runs";
  nodes.machine = ./shared/node.nix;
  testScript = ''
    ${builtins.readFile ./shared/pod.py}
    pod, container = start_pod(machine)
    says(machine, container, "hello")
    machine.succeed(f"crictl stopp {pod}", f"crictl rmp {pod}")
    assert machine.succeed("crictl pods -q").strip() == ""
  '';
}
