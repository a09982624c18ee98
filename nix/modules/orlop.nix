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
  json = pkgs.formats.json { };
  minors = lib.attrNames (lib.importJSON ../../runtime/orlop/node/lock.json).kubernetes;

  files =
    pkgs.runCommand "orlop-node"
      {
        nativeBuildInputs = [ cfg.package ];
        declaration = builtins.toJSON cfg.declaration;
        passAsFile = [ "declaration" ];
      }
      ''
        orlop node render --declaration "$declarationPath" --output dir --directory "$out" \
          --program ${lib.getExe' cfg.package "orlopd"}
        orlop config validate --config "$out/etc/orlop/orlop.toml"
      '';

  unit = pkgs.runCommand "orlop-unit" { } ''
    install -D -m 0444 ${files}/etc/systemd/system/orlop.service $out/lib/systemd/system/orlop.service
  '';

  passwords = lib.filterAttrs (_: registry: registry ? password) (cfg.settings.registries or { });
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

    handlers = lib.mkOption {
      type = lib.types.attrsOf json.type;
      default = {
        crun = { };
        runc = { };
      };
      example.kata = {
        type = "shim";
        path = "/opt/kata/bin/containerd-shim-kata-v2";
      };
      description = "OCI runtimes and shims that a RuntimeClass can name, each with the keys of `[handlers.<name>]`.";
    };

    defaultHandler = lib.mkOption {
      type = lib.types.str;
      default = "runc";
      description = "Handler of pods whose RuntimeClass names none.";
    };

    settings = lib.mkOption {
      type = lib.types.submodule { freeformType = json.type; };
      default = { };
      example.registries."registry.internal:5000".plain_http = true;
      description = ''
        The daemon's settings by the names of {file}`/etc/orlop/orlop.toml`, as far as they differ from the defaults
        (`orlop config default` prints those). Mistakes are found when the system is built.
      '';
    };

    declaration = lib.mkOption {
      type = json.type;
      readOnly = true;
      description = "The node's declaration, as the Ansible roles and `orlop node render` take it.";
    };
  };

  config = lib.mkMerge [
    {
      services.orlop.declaration = {
        inherit (cfg) handlers kubernetes;
        default_handler = cfg.defaultHandler;
        network = cfg.network;
        host = cfg.host;
        daemon = cfg.settings;
      };
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
          assertion = !(cfg.settings ? handlers || cfg.settings ? default_handler);
          message = ''
            services.orlop.settings has handlers or default_handler: use services.orlop.handlers and
            services.orlop.defaultHandler.
          '';
        }
      ];

      environment.systemPackages = [ cfg.package ];
      environment.etc = {
        "crictl.yaml".source = "${files}/etc/crictl.yaml";
        "orlop/orlop.toml".source = "${files}/etc/orlop/orlop.toml";
      };

      # The rendered unit, byte for byte; NixOS adds a drop-in with what only it knows.
      systemd.packages = [ unit ];
      systemd.services.orlop = {
        wantedBy = [ "multi-user.target" ];
        # KillMode=process: a restart ends the daemon alone, so a changed configuration never touches a pod.
        restartTriggers = [ files ];
      };

      services.orlop.rendered = files;
    })
  ];
}
