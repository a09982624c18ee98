# A stand-in for nixpkgs, for `nix flake check --override-input`: as much of it as this repository's flake uses.
{
  description = "stand-in for nixpkgs";

  outputs =
    { self }:
    let
      lib = import ./lib;
    in
    {
      inherit lib;
      legacyPackages = lib.genAttrs [ "x86_64-linux" "aarch64-linux" ] (system: import ./. { inherit system; });
    };
}
