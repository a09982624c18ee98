# services.orlop.host: kernel modules and settings that a Kubernetes node needs, with the node's own beside them.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.orlop;
in
{
  options.services.orlop = {
    host = lib.mkOption {
      type = lib.types.submodule { freeformType = (pkgs.formats.json { }).type; };
      default = { };
      example.sysctls."vm.max_map_count" = 262144;
      description = "Settings of the machine, with the keys of the declaration's `host`.";
    };

    rendered = lib.mkOption {
      type = lib.types.path;
      internal = true;
      description = "Every file of the node, as the package rendered it.";
    };
  };

  config = lib.mkIf cfg.enable {
    environment.etc = {
      "modules-load.d/orlop.conf".source = "${cfg.rendered}/etc/modules-load.d/orlop.conf";
      "sysctl.d/60-orlop.conf".source = "${cfg.rendered}/etc/sysctl.d/60-orlop.conf";
    };
  };
}
