# The way in without flakes: `nix-build nix -A orlop` builds the package, `(import ./nix { }).module` is the NixOS module.
{
  pkgs ? import <nixpkgs> { },
}:
{
  orlop = pkgs.callPackage ./package.nix { };
  overlay = import ./overlay.nix;
  module = ./modules;
  profiles = {
    control-plane = ./profiles/control-plane.nix;
    lab = ./profiles/lab.nix;
    worker = ./profiles/worker.nix;
  };
  tests = import ./tests { inherit (pkgs) lib testers; };
}
