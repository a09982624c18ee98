# Every file beside this one is a VM test, named as its file. They need a machine with nixpkgs and KVM.
{ pkgs }:
let
  inherit (pkgs) lib;
  names = lib.filter (name: name != "default.nix" && lib.hasSuffix ".nix" name) (
    lib.attrNames (builtins.readDir ./.)
  );
in
lib.listToAttrs (
  map (name: {
    name = lib.removeSuffix ".nix" name;
    value = pkgs.testers.runNixOSTest (import (./. + "/${name}"));
  }) names
)
