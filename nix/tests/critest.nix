# The CRI's own validation, as far as a machine without a registry can run it.
{
  name = "orlop-critest";
  nodes.machine = ./shared/node.nix;
  testScript = ''
    machine.wait_for_unit("orlop.service")
    machine.succeed("critest --runtime-endpoint unix:///run/orlop/orlop.sock --ginkgo.focus='Runtime info'")
  '';
}
