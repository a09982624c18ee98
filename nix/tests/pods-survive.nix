# A pod outlives a restart and a kill of the daemon, and a switch to another configuration.
{
  name = "orlop-pods-survive";
  nodes.machine =
    { ... }:
    {
      imports = [ ./shared/node.nix ];
      specialisation.other.configuration.services.orlop.settings.daemon.log_level = "info";
    };
  testScript = ''
    ${builtins.readFile ./shared/pod.py}
    pod, container = start_pod(machine)
    init = machine.succeed(f"crictl inspect -o go-template --template '{{{{.info.pid}}}}' {container}").strip()
    machine.succeed("systemctl restart orlop.service")
    says(machine, container, "restarted")
    machine.succeed("systemctl kill --signal=KILL orlop.service")
    machine.wait_until_succeeds("crictl version")
    says(machine, container, "killed")
    machine.succeed("/run/current-system/specialisation/other/bin/switch-to-configuration test")
    machine.wait_until_succeeds("crictl version")
    says(machine, container, "switched")
    machine.succeed(f"test -d /proc/{init}")
  '';
}
