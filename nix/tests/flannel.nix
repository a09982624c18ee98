# Two nodes on flannel: its daemon keeps subnets in etcd, its conflist is written at run time, as a DaemonSet would, and a
# pod on one node reaches a pod on the other.
let
  node =
    { pkgs, lib, ... }:
    {
      imports = [ ./shared/node.nix ];
      services.orlop.network.provider = lib.mkForce "external";
      services.orlop.settings.network.plugin_dirs = [
        "/opt/cni/bin"
        "${pkgs.cni-plugins}/bin"
        "${pkgs.cni-plugin-flannel}/bin"
      ];
      services.flannel = {
        enable = true;
        network = "10.244.0.0/16";
        iface = "eth1";
        etcd.endpoints = [ "http://first:2379" ];
      };
      networking.firewall.enable = false;
    };
in
{
  name = "orlop-flannel";
  nodes = {
    first = {
      imports = [ node ];
      services.etcd = {
        enable = true;
        listenClientUrls = [ "http://0.0.0.0:2379" ];
        advertiseClientUrls = [ "http://first:2379" ];
      };
    };
    second = node;
  };
  testScript = ''
    import json
    ${builtins.readFile ./shared/pod.py}
    conflist = {
        "cniVersion": "0.3.1",
        "name": "cbr0",
        "plugins": [
            {"type": "flannel", "delegate": {"hairpinMode": True, "isDefaultGateway": True}},
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }
    start_all()
    first.wait_for_unit("etcd.service")
    addresses = []
    for machine in (first, second):
        machine.wait_for_file("/run/flannel/subnet.env")
        machine.succeed(f"printf %s '{json.dumps(conflist)}' >/etc/cni/net.d/10-flannel.conflist")
        machine.wait_until_succeeds("crictl info | grep -A1 NetworkReady | grep true")
        pod, container = start_pod(machine)
        status = json.loads(machine.succeed(f"crictl inspectp {pod}"))
        addresses.append((machine, container, status["status"]["network"]["ip"]))
    machine, container, _ = addresses[0]
    machine.succeed(f"crictl exec -s {container} ping -c 3 {addresses[1][2]}")
  '';
}
