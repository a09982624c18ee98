# Packages of the stand-in. Those that the package here needs are real: programs are the host's, Python is the host's, and
# Python's packages are the wheels in a directory that the test names. The rest are names.
{
  system ? builtins.currentSystem,
  python ? "/usr/bin/python3",
  wheels ? "/nonexistent",
  # As a flake it sees nothing but its own directory.
  pyproject ? if builtins.pathExists ./pyproject.toml then ./pyproject.toml else ../../../pyproject.toml,
}:
let
  lib = import ./lib;
  project = lib.importTOML pyproject;
  nameOf = requirement: lib.toLower (lib.head (lib.match "([A-Za-z0-9_.-]+).*" requirement));

  build =
    name: attributes: script:
    derivation (
      attributes
      // {
        inherit name system;
        builder = "/bin/sh";
        args = [
          "-euc"
          script
        ];
        PATH = lib.concatStringsSep ":" (
          lib.optional (attributes ? nativeBuildInputs) (lib.makeBinPath attributes.nativeBuildInputs)
          ++ [ "/usr/sbin:/usr/bin:/sbin:/bin" ]
        );
      }
    );

  named = name: build name { } "mkdir $out" // { version = "0"; };

  # Programs of the host under one package's name.
  host =
    name: programs:
    build name { } ''
      mkdir -p $out/bin
      for program in ${lib.concatStringsSep " " programs}; do ln -s "$(command -v $program)" $out/bin/; done
    '';

  pkgs = {
    inherit lib;
    stdenv.hostPlatform.system = system;
    callPackage =
      file: more:
      let
        make = import file;
      in
      make (builtins.intersectAttrs (builtins.functionArgs make) pkgs // more);

    conmon = host "conmon" [ "conmon" ];
    conntrack-tools = host "conntrack-tools" [ "conntrack" ];
    crun = host "crun" [ "crun" ];
    gnupg = host "gnupg" [ "gpgv" ];
    iptables = host "iptables" [ "iptables" "ip6tables" ];
    nftables = host "nftables" [ "nft" ];
    runc = host "runc" [ "runc" ];

    orlop = pkgs.callPackage ../../../nix/package.nix { };
    runCommand = build;
    mkShell = { packages }: build "shell" { inherit packages; } "mkdir $out";
    testers.runNixOSTest = test: build test.name { inherit (test) testScript; } "exit 1" // { inherit test; };
    formats.json = _: { type = json; };
    dockerTools.buildImage = { name, ... }: named (baseNameOf name);

    # Just those that the project says it needs: what else nix/package.nix may name is not there.
    python3Packages = lib.genAttrs (map nameOf (project.project.dependencies ++ project.build-system.requires)) named // {
      inherit buildPythonApplication;
    };
  }
  // lib.genAttrs [
    "busybox"
    "cni-plugin-flannel"
    "cni-plugins"
    "cri-tools"
    "ethtool"
    "go"
    "iproute2"
    "kmod"
    "kubernetes"
    "nixfmt-rfc-style"
    "python3"
    "ruff"
    "shellcheck"
    "socat"
    "util-linux"
  ] named;

  json =
    with lib.types;
    nullOr (oneOf [
      bool
      int
      float
      str
      path
      (attrsOf json)
      (listOf json)
    ]);

  # What nixpkgs' function does, with pip in place of nixpkgs' own machinery: build by the project's backend, install,
  # import, wrap. Every dependency that is not among the wheels fails the build.
  buildPythonApplication =
    {
      pname,
      version,
      src,
      pyproject,
      build-system,
      dependencies,
      makeWrapperArgs,
      pythonImportsCheck,
      passthru,
      meta,
      doCheck,
    }:
    assert pyproject;
    build "${pname}-${version}"
      {
        inherit build-system dependencies;
        source = src.outPath;
        PIP_NO_INDEX = "1";
        PIP_FIND_LINKS = wheels;
        PIP_NO_CACHE_DIR = "1";
        PIP_NO_COMPILE = "1";
        PIP_DISABLE_PIP_VERSION_CHECK = "1";
      }
      ''
        export HOME=$TMPDIR
        ${python} -m venv $out
        cp -r $source source
        chmod -R u+w source
        $out/bin/python -m pip install -q ./source
        ${lib.concatStringsSep "\n" (map (name: "$out/bin/python -c 'import ${name}'") pythonImportsCheck)}
        for program in orlop orlopd; do
          mv $out/bin/$program $out/bin/.$program-wrapped
          set -- ${lib.concatStringsSep " " makeWrapperArgs}
          printf '#!/bin/sh\nexport PATH="%s:$PATH"\nexec %s "$@"\n' "$4" "$out/bin/.$program-wrapped" >$out/bin/$program
          chmod +x $out/bin/$program
        done
      ''
    // {
      inherit dependencies meta version;
      passthru = passthru;
      inherit (passthru) tests;
    };
in
pkgs
