# A worker that joins by a kubeconfig which is brought to it, so that no secret is in the store. Choices only.
{ lib, ... }:
{
  services.orlop = {
    enable = lib.mkDefault true;
    network.provider = lib.mkDefault "external";
    member = {
      role = lib.mkDefault "worker";
      discovery_file = lib.mkDefault "/etc/kubernetes/discovery.conf";
    };
  };
  # The kubelet, and Services of type NodePort.
  networking.firewall = {
    allowedTCPPorts = [ 10250 ];
    allowedTCPPortRanges = [
      {
        from = 30000;
        to = 32767;
      }
    ];
  };
}
