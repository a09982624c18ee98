# What the module makes of each case's settings. Packages are names below /store; a build step is kept as the script it is,
# for the test to run.
{
  lib ? import ./nixpkgs/lib,
  cases,
}:
let
  package = name: version: {
    type = "derivation";
    inherit name version;
    outPath = "/store/${name}";
  };
  tools = lib.genAttrs [
    "busybox"
    "cni-plugin-flannel"
    "cni-plugins"
    "conntrack-tools"
    "cri-tools"
    "ethtool"
    "iproute2"
    "iptables"
    "kmod"
    "nftables"
    "orlop"
    "socat"
    "util-linux"
  ] (name: package name "1");

  pkgs = tools // {
    kubernetes = package "kubernetes" "1.37.1";
    kubernetes_1_36 = package "kubernetes_1_36" "1.36.4";
    kubernetes_1_35 = package "kubernetes_1_35" "1.35.8";
    dockerTools.buildImage = image: package (baseNameOf image.name) image.tag;
    formats.json = _: { type = json; };
    runCommand =
      name: environment: script:
      package name "0" // { inherit environment script; };
  };

  json =
    lib.types.nullOr (
      lib.types.oneOf (
        with lib.types;
        [
          bool
          int
          float
          str
          path
          (attrsOf json)
          (listOf json)
        ]
      )
    )
    // {
      description = "JSON value";
    };

  report =
    modules:
    let
      inherit
        (lib.evalModules {
          modules = [ ./nixos.nix ] ++ modules;
          specialArgs = { inherit pkgs; };
        })
        config
        ;
      cfg = config.services.orlop;
      step = built: {
        inherit (built) name script;
        declaration = built.environment.declaration or "";
      };
    in
    {
      inherit (cfg) declaration;
      failed = map (found: found.message) (lib.filter (found: !found.assertion) config.assertions);
      etc = lib.mapAttrs (_: entry: toString entry.source) (
        lib.filterAttrs (_: entry: entry.source != null) config.environment.etc
      );
      services = lib.mapAttrs (_: service: {
        inherit (service) wantedBy;
        path = map toString service.path;
        restartTriggers = map toString service.restartTriggers;
      }) config.systemd.services;
      tmpfiles = config.systemd.tmpfiles.rules;
      packages = map toString config.environment.systemPackages;
      ports = config.networking.firewall.allowedTCPPorts;
      steps = lib.optionals cfg.enable ([ (step cfg.rendered) ] ++ map step config.systemd.packages);
    };
in
lib.mapAttrs (_: report) cases
