# services.orlop.member, cluster and kubelet: a member of a cluster that kubeadm makes. Only a declared member gets a kubelet,
# and only that kubelet is pointed at the daemon. kubeadm init and join are run by hand or by what makes the cluster.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.orlop;
  schema = import ../options.nix { inherit lib pkgs; };
  inherit (cfg) member;
  controlPlane = member.role == "control_plane";
  joins = member.role == "worker" || controlPlane && member.first == false;
  strangers = schema.strangers "member" member;
  secrets = lib.filter (name: (member.${name} or null) != null && member.${name} != "") [
    "certificate_key"
    "token"
  ];
  shown = lib.concatStringsSep ", ";

  paths = [
    "kubernetes/kubelet.conf.d/10-orlop.conf"
    "kubernetes/orlop/kubeadm-${if joins then "join" else "init"}.yaml"
  ] ++ lib.optional controlPlane "kubernetes/orlop/runtime-classes.yaml";

  # What kubelet and kubeadm call by name.
  tools = with pkgs; [
    conntrack-tools
    cri-tools
    ethtool
    iproute2
    iptables
    kmod
    nftables
    socat
    util-linux
  ];
in
{
  options.services.orlop = {
    member = schema.options.member // {
      example.role = "worker";
    };
    cluster = schema.options.cluster // {
      example.endpoint = "k8s.example.org:6443";
    };
    artefacts = schema.options.artefacts // {
      description = ''
        What is downloaded, where it is not to be what the lock file says. NixOS takes its programs from packages: only the
        version of kubeadm is read, as the cluster's.
      '';
    };
    kubelet = schema.options.kubelet // {
      example.maxPods = 200;
      description = ''
        Settings of the kubelet that differ from its defaults, by the names of KubeletConfiguration v1beta1. Names that this
        module does not know are judged when the system is built.
      '';
    };
    runtimeClasses = schema.options.runtime_classes // {
      example.kata.overhead.memory = "130Mi";
    };
    kubernetesPackage = lib.mkPackageOption pkgs "kubernetes" { } // {
      description = "Package of kubelet, kubeadm and kubectl; of the minor in services.orlop.kubernetes.";
    };
  };

  config = lib.mkIf (cfg.enable && member.role != "none") {
    assertions = [
      {
        assertion = strangers == [ ];
        message = ''
          services.orlop.member.${shown strangers} has no meaning where services.orlop.member.role is "${member.role}".
        '';
      }
      {
        assertion = secrets == [ ];
        message = ''
          services.orlop.member.${shown secrets} would be readable for everybody in the Nix store. Join with
          services.orlop.member.discovery_file, and give kubeadm --certificate-key on its command line.
        '';
      }
      {
        assertion = !joins || secrets != [ ] || (member.discovery_file or null) != null;
        message = ''
          services.orlop.member.discovery_file says with what the node joins; nothing makes a token for it here.
        '';
      }
      {
        assertion = lib.versions.majorMinor cfg.kubernetesPackage.version == cfg.kubernetes;
        message = ''
          services.orlop.kubernetesPackage is ${cfg.kubernetesPackage.version}, and services.orlop.kubernetes is
          ${cfg.kubernetes}: take a package of that minor.
        '';
      }
      {
        assertion = config.swapDevices == [ ] || cfg.kubelet.failSwapOn == false;
        message = ''
          There is swap (swapDevices), with which the kubelet does not start: remove it, or set
          services.orlop.kubelet.failSwapOn to false.
        '';
      }
    ];

    environment.systemPackages = [ cfg.kubernetesPackage ] ++ tools;
    environment.etc = lib.genAttrs paths (path: {
      source = "${cfg.rendered}/etc/${path}";
    });
    systemd.tmpfiles.rules = [ "d /etc/kubernetes/manifests 0755 root root -" ];

    # Unit and drop-in are in systemd.packages, rendered with the daemon's.
    systemd.services.kubelet = {
      wantedBy = [ "multi-user.target" ];
      path = tools;
      # Pods have cgroups of their own: a restart does not touch them.
      restartTriggers = [ cfg.rendered ];
    };
  };
}
