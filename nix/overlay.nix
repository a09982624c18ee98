# Adds `orlop` to a package set.
final: _: { orlop = final.callPackage ./package.nix { }; }
