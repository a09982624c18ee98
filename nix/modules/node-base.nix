# services.orlop.host: kernel modules and settings that a Kubernetes node needs, with the node's own beside them.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.orlop;
  schema = import ../options.nix { inherit lib pkgs; };
  modules = "${cfg.rendered}/etc/modules-load.d/orlop.conf";
  sysctls = "${cfg.rendered}/etc/sysctl.d/60-orlop.conf";
in
{
  options.services.orlop.host = schema.options.host // {
    example.sysctls."vm.max_map_count" = 262144;
  };

  config = lib.mkIf cfg.enable {
    environment.etc = {
      "modules-load.d/orlop.conf".source = modules;
      "sysctl.d/60-orlop.conf".source = sysctls;
    };
    # NixOS runs these again only when its own files change.
    systemd.services.systemd-modules-load.restartTriggers = [ modules ];
    systemd.services.systemd-sysctl.restartTriggers = [ sysctls ];
  };
}
