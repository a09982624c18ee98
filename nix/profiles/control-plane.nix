# The first control plane of a cluster; for the others set member.first to false. Choices only.
{ lib, ... }:
{
  services.orlop = {
    enable = lib.mkDefault true;
    network.provider = lib.mkDefault "external";
    member.role = lib.mkDefault "control_plane";
  };
  # API server, etcd, kubelet, controller manager, scheduler.
  networking.firewall.allowedTCPPorts = [
    6443
    2379
    2380
    10250
    10257
    10259
  ];
}
