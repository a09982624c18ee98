# Those options of NixOS that the modules set, with the types they have there.
{ lib, ... }:
let
  inherit (lib) types;
  anything = lib.mkOption {
    type = types.anything;
    default = { };
  };
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
          options.source = lib.mkOption {
            type = types.nullOr types.path;
            default = null;
          };
          options.text = lib.mkOption {
            type = types.nullOr types.str;
            default = null;
          };
          options.mode = lib.mkOption {
            type = types.str;
            default = "symlink";
          };
        }
      );
    };
    # What the VM tests set beside the node; nothing here depends on it.
    networking.firewall.enable = anything;
    nixpkgs.overlays = list types.anything;
    services.etcd = anything;
    services.flannel = anything;
    specialisation = anything;
    virtualisation = anything;
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
