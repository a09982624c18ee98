# The daemon and the command, with the programs they start on their PATH.
{
  lib,
  python3Packages,
  conmon,
  conntrack-tools,
  crun,
  gnupg,
  iptables,
  nftables,
  runc,
  testers ? { },
}:
let
  project = (lib.importTOML ../pyproject.toml).project;
in
python3Packages.buildPythonApplication {
  pname = project.name;
  inherit (project) version;
  pyproject = true;

  src = lib.fileset.toSource {
    root = ../.;
    fileset = lib.fileset.unions [
      ../LICENSE
      ../README.md
      ../pyproject.toml
      ../runtime
    ];
  };

  build-system = with python3Packages; [
    grpcio-tools
    hatchling
  ];

  dependencies = with python3Packages; [
    aiohttp
    click
    cryptography
    grpcio
    isal
    jinja2
    msgspec
    prometheus-client
    protobuf
    pyyaml
    rich
    zstandard
  ];

  # CNI plugins are not here: the node's conflists choose them, and they are searched in the configured directories.
  makeWrapperArgs = [
    "--prefix PATH : ${
      lib.makeBinPath [
        conmon
        conntrack-tools
        crun
        gnupg
        iptables
        nftables
        runc
      ]
    }"
  ];

  # The tests need root and the network namespaces of a node: they are the repository's test.sh, and the VM tests.
  doCheck = false;
  pythonImportsCheck = [
    "orlop.daemon"
    "orlop.cli.main"
  ];

  passthru.tests = lib.optionalAttrs (testers ? runNixOSTest) (import ./tests { inherit lib testers; });

  meta = {
    inherit (project) description;
    license = lib.licenses.asl20;
    platforms = lib.platforms.linux;
    mainProgram = "orlop";
  };
}
