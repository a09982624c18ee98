# One machine to try things on: a bridge, verbose logs, and loopback registries. Choices only.
{ lib, ... }:
{
  services.orlop = {
    enable = lib.mkDefault true;
    network.provider = lib.mkDefault "bridge";
    settings.daemon.log_level = lib.mkDefault "debug";
  };
}
