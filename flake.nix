# Table of contents of the Nix half. What each part is, is said in its own file below nix/.
#
# There is no flake.lock in the repository: the user's own flake pins nixpkgs. `nix flake lock` makes one.
{
  description = "orlop: a declarative Kubernetes node distribution";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      forEach = make: nixpkgs.lib.genAttrs systems (system: make nixpkgs.legacyPackages.${system});
    in
    {
      overlays.default = import ./nix/overlay.nix;

      packages = forEach (pkgs: {
        default = pkgs.callPackage ./nix/package.nix { };
        orlop = self.packages.${pkgs.stdenv.hostPlatform.system}.default;
      });

      nixosModules = {
        default.imports = [ ./nix/modules ];
        control-plane.imports = [ ./nix/profiles/control-plane.nix ];
        lab.imports = [ ./nix/profiles/lab.nix ];
        worker.imports = [ ./nix/profiles/worker.nix ];
      };

      checks = forEach (
        pkgs:
        import ./nix/tests { inherit (pkgs) lib testers; }
        // {
          package = self.packages.${pkgs.stdenv.hostPlatform.system}.default;
        }
      );

      apps = forEach (
        pkgs:
        let
          package = self.packages.${pkgs.stdenv.hostPlatform.system}.default;
          app = name: {
            type = "app";
            program = pkgs.lib.getExe' package name;
          };
        in
        {
          default = app "orlop";
          orlop = app "orlop";
          orlopd = app "orlopd";
        }
      );

      devShells = forEach (pkgs: {
        default = import ./nix/shell.nix { inherit pkgs; };
      });
    };
}
