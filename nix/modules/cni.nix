# services.orlop.network: the pod network. Conflists stay a directory that DaemonSets can write to, and plugins are
# searched both where DaemonSets put theirs (/opt/cni/bin, never emptied) and in the store.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.orlop;
  bridge = cfg.network.provider == "bridge";
in
{
  options.services.orlop.network = lib.mkOption {
    type = lib.types.submodule {
      freeformType = (pkgs.formats.json { }).type;
      options.provider = lib.mkOption {
        type = lib.types.enum [
          "bridge"
          "external"
        ];
        default = "bridge";
        description = ''
          "bridge": pods on a bridge of this node. "external": the conflist comes from elsewhere, such as a DaemonSet.
        '';
      };
    };
    default = { };
    example = {
      provider = "bridge";
      pod_cidrs = [ "10.85.0.0/16" ];
    };
    description = "The pod network, with the keys of the declaration's `network`.";
  };

  config = lib.mkIf cfg.enable {
    services.orlop.settings.network.plugin_dirs = lib.mkDefault [
      "/opt/cni/bin"
      "${pkgs.cni-plugins}/bin"
    ];
    systemd.tmpfiles.rules = [
      "d /etc/cni/net.d 0755 root root -"
      "d /opt/cni/bin 0755 root root -"
    ];
    environment.etc = lib.mkIf bridge {
      "cni/net.d/10-orlop.conflist".source = "${cfg.rendered}/etc/cni/net.d/10-orlop.conflist";
    };
  };
}
