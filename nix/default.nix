# The way in without flakes: `nix-build nix` builds the package, `(import ./nix { }).module` is the NixOS module.
{
  pkgs ? import <nixpkgs> { },
}:
{
  orlop = pkgs.callPackage ./package.nix { };
  overlay = import ./overlay.nix;
  module = ./modules;
  tests = import ./tests { inherit pkgs; };
}
