# Those options of NixOS that the modules set, with the types they have there.
{ lib, ... }:
let
  inherit (lib) types;
  list = inner: lib.mkOption {
    type = types.listOf inner;
    default = [ ];
  };
in
{
  options = {
    assertions = list (types.attrsOf types.anything);
    swapDevices = list types.anything;
    environment.systemPackages = list types.package;
    environment.etc = lib.mkOption {
      default = { };
      type = types.attrsOf (
        types.submodule {
          options.source = lib.mkOption { type = types.path; };
          options.mode = lib.mkOption {
            type = types.str;
            default = "symlink";
          };
        }
      );
    };
    networking.firewall.allowedTCPPorts = list types.int;
    networking.firewall.allowedTCPPortRanges = list (types.attrsOf types.int);
    systemd.packages = list types.package;
    systemd.tmpfiles.rules = list types.str;
    systemd.services = lib.mkOption {
      default = { };
      type = types.attrsOf (
        types.submodule {
          options = {
            wantedBy = list types.str;
            path = list types.package;
            restartTriggers = list types.anything;
          };
        }
      );
    };
  };
}
