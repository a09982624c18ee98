# services.orlop.network: the pod network. /etc/cni/net.d stays a directory that DaemonSets can write to, with a conflist of
# ours only where one was declared; plugins are searched both where DaemonSets put theirs (/opt/cni/bin, which is never
# emptied) and in the store.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.orlop;
  schema = import ../options.nix { inherit lib pkgs; };
  bridge = cfg.network.provider == "bridge";
  directory = if cfg.settings.network.conf_dir == null then "/etc/cni/net.d" else cfg.settings.network.conf_dir;
  conflist = "${lib.removeSuffix "/" directory}/10-orlop.conflist";
  # What a cluster is given: its members' workers need no copy of it.
  given =
    builtins.elem cfg.network.provider [
      "flannel"
      "cilium"
      "weave"
    ]
    && cfg.member.role != "worker";
  strangers = schema.strangers "network" cfg.network;
in
{
  options.services.orlop.network = schema.options.network // {
    example = {
      provider = "bridge";
      pod_cidrs = [ "10.85.0.0/16" ];
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = strangers == [ ];
        message = ''
          services.orlop.network.${lib.concatStringsSep ", " strangers} has no meaning where services.orlop.network.provider
          is "${cfg.network.provider}".
        '';
      }
      {
        assertion = !bridge || lib.hasPrefix "/etc/" directory;
        message = ''
          services.orlop.settings.network.conf_dir is "${directory}": NixOS can write the conflist of
          services.orlop.network only below /etc.
        '';
      }
    ];
    services.orlop.settings.network.plugin_dirs = lib.mkDefault [
      "/opt/cni/bin"
      "${pkgs.cni-plugins}/bin"
    ];
    systemd.tmpfiles.rules = [
      "d ${directory} 0755 root root -"
      "d /opt/cni/bin 0755 root root -"
    ];
    environment.etc = lib.mkMerge [
      (lib.mkIf bridge {
        ${lib.removePrefix "/etc/" conflist}.source = "${cfg.rendered}${conflist}";
      })
      (lib.mkIf given {
        "orlop/network/${cfg.network.provider}.yaml".source =
          "${cfg.rendered}/etc/orlop/network/${cfg.network.provider}.yaml";
      })
    ];
  };
}
