# Every file beside this one is a VM test, named as its file. They need a machine with nixpkgs and KVM:
#   nix build .#checks.x86_64-linux.pod-runs
{
  lib,
  testers,
}:
let
  names = lib.filter (name: name != "default.nix" && lib.hasSuffix ".nix" name) (
    lib.attrNames (builtins.readDir ./.)
  );
in
lib.listToAttrs (
  map (name: {
    name = lib.removeSuffix ".nix" name;
    value = testers.runNixOSTest (import (./. + "/${name}"));
  }) names
)
