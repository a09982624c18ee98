# The daemon starts, serves its socket, and runs under the unit that was rendered.
{
  name = "orlop-daemon-starts";
  nodes.machine = ./shared/node.nix;
  testScript = ''
    machine.wait_for_unit("orlop.service")
    machine.succeed("crictl version | grep -F orlop")
    machine.succeed("orlop check")
    for line in ("Type=notify", "KillMode=process", "Delegate=yes", "OOMScoreAdjust=-999"):
        name = line.partition("=")[0]
        assert machine.succeed(f"systemctl show orlop.service -p {name}").strip() == line
    machine.succeed("test \"$(sysctl -n net.ipv4.ip_forward)\" = 1")
  '';
}
