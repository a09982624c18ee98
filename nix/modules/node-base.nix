# services.orlop.host: kernel modules and settings that a Kubernetes node needs, with the node's own beside them, and what
# it is denied (hardening; its drop-in of the daemon's unit comes with the unit).
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
  blocked = "/etc/modprobe.d/orlop-hardening.conf";
  inherit (cfg.host) hardening;
in
{
  options.services.orlop.host = schema.options.host // {
    example.sysctls."vm.max_map_count" = 262144;
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = hardening.private_files != true;
        message = ''
          services.orlop.host.hardening.private_files cannot be had: the Nix store, where all files are, is for everybody.
        '';
      }
      {
        assertion = cfg.host.firewalld == null;
        message = ''
          services.orlop.host.firewalld means nothing here: say ports in networking.firewall, as the profiles do.
        '';
      }
    ];
    environment.etc = lib.mkMerge [
      {
        "modules-load.d/orlop.conf".source = modules;
        "sysctl.d/60-orlop.conf".source = sysctls;
      }
      (lib.mkIf (hardening.rare_modules == true) {
        ${lib.removePrefix "/etc/" blocked}.source = "${cfg.rendered}${blocked}";
      })
    ];
    # NixOS runs these again only when its own files change.
    systemd.services.systemd-modules-load.restartTriggers = [ modules ];
    systemd.services.systemd-sysctl.restartTriggers = [ sysctls ];
  };
}
