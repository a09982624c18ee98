# Tools to work on the repository; `./test.sh` brings its own Python environment.
{ pkgs }:
pkgs.mkShell {
  packages = with pkgs; [
    go
    nixfmt-rfc-style
    python3
    ruff
    shellcheck
  ];
}
