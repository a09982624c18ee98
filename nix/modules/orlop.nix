# services.orlop: the daemon. Options are collected into the node's declaration (JSON); in a build step the package
# renders it, exactly as it does for the Ansible roles, and the daemon's own check reads the result. No file's content is
# written in Nix.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.orlop;
  schema = import ../options.nix { inherit lib pkgs; };
  minors = lib.attrNames (lib.importJSON ../../runtime/orlop/node/lock.json).kubernetes;

  # Options that are named otherwise than in the declaration; orlop.node.exchange has the same.
  names = {
    daemon = "settings";
    default_handler = "defaultHandler";
    runtime_classes = "runtimeClasses";
  };

  member = cfg.member.role != "none";
  kubelet = lib.getExe' cfg.kubernetesPackage "kubelet";

  files =
    pkgs.runCommand "orlop-node"
      {
        nativeBuildInputs = [ cfg.package ];
        declaration = builtins.toJSON cfg.declaration;
        passAsFile = [ "declaration" ];
      }
      ''
        orlop node render --declaration "$declarationPath" --output dir --directory "$out" \
          --program ${lib.getExe' cfg.package "orlopd"} ${lib.optionalString member "--kubelet ${kubelet}"}
        orlop config validate --config "$out/etc/orlop/orlop.toml"
      '';

  units = pkgs.runCommand "orlop-units" { } ''
    mkdir -p $out/lib/systemd
    cp -r ${files}/etc/systemd/system $out/lib/systemd/system
  '';

  passwords = lib.filterAttrs (_: registry: (registry.password or null) != null) (
    if cfg.settings.registries == null then { } else cfg.settings.registries
  );
  elsewhere = lib.filter (name: cfg.settings ? ${name}) [
    "default_handler"
    "handlers"
  ];
in
{
  options.services.orlop = {
    enable = lib.mkEnableOption "orlop, a Kubernetes container runtime";

    package = lib.mkPackageOption pkgs "orlop" { };

    kubernetes = lib.mkOption {
      type = lib.types.enum minors;
      default = lib.last (lib.sort lib.versionOlder minors);
      defaultText = lib.literalMD "the newest minor of the lock file";
      description = "Kubernetes minor that the node is for. It decides the pause image, which the daemon pins.";
    };

    handlers = schema.options.handlers // {
      default = {
        crun = { };
        runc = { };
      };
      defaultText = lib.literalMD "`crun` and `runc`, from the package's own PATH";
      example.kata = {
        type = "shim";
        path = "/opt/kata/bin/containerd-shim-kata-v2";
      };
    };

    defaultHandler = schema.options.default_handler // {
      default = "runc";
      defaultText = lib.literalMD "`runc`";
    };

    settings = schema.options.daemon // {
      example.registries."registry.internal:5000".plain_http = true;
      description = ''
        The daemon's settings by the names of {file}`/etc/orlop/orlop.toml`, as far as they differ from the defaults
        (`orlop config default` prints those). Names that this module does not know are let through and judged by the
        daemon itself when the system is built.
      '';
    };

    declaration = lib.mkOption {
      inherit (pkgs.formats.json { }) type;
      readOnly = true;
      description = "The node's declaration, as the Ansible roles and `orlop node render` take it.";
    };

    rendered = lib.mkOption {
      type = lib.types.package;
      readOnly = true;
      internal = true;
      description = "Every file of the node, as the package rendered it.";
    };
  };

  config = lib.mkMerge [
    {
      # Each name of the declaration has an option: one that is missing here fails every evaluation.
      services.orlop.declaration = schema.declared (
        lib.mapAttrs (name: _: cfg.${names.${name} or name}) schema.options
      );
      services.orlop.rendered = files;
    }
    (lib.mkIf cfg.enable {
      assertions = [
        {
          assertion = cfg.handlers ? ${cfg.defaultHandler};
          message = ''
            services.orlop.defaultHandler is "${cfg.defaultHandler}", which services.orlop.handlers does not have.
          '';
        }
        {
          assertion = passwords == { };
          message = ''
            services.orlop.settings.registries.<name>.password (of ${lib.concatStringsSep ", " (lib.attrNames passwords)})
            would be readable for everybody in the Nix store. Put it into a file below /etc/orlop/conf.d instead.
          '';
        }
        {
          assertion = elsewhere == [ ];
          message = ''
            services.orlop.settings has ${lib.concatStringsSep " and " elsewhere}: use services.orlop.handlers and
            services.orlop.defaultHandler.
          '';
        }
      ];

      environment.systemPackages = [ cfg.package ];
      environment.etc = {
        "crictl.yaml".source = "${files}/etc/crictl.yaml";
        "orlop/orlop.toml".source = "${files}/etc/orlop/orlop.toml";
      };

      # The rendered units, byte for byte: Type=notify, Delegate, KillMode=process, the OOM score, and why there is no more
      # hardening are said there. NixOS adds a drop-in with what only it knows.
      systemd.packages = [ units ];
      systemd.services.orlop = {
        wantedBy = [ "multi-user.target" ];
        # KillMode=process: a restart ends the daemon alone, so a changed configuration never touches a pod.
        restartTriggers = [ files ];
      };
    })
  ];
}
