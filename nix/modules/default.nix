# The NixOS module: options of one node, which become its declaration, which the package's own renderer turns into files.
{
  imports = [
    ./cni.nix
    ./kubernetes-node.nix
    ./node-base.nix
    ./orlop.nix
  ];
}
