# As much of nixpkgs' `lib` as the files in nix/ use, under the same names.
let
  inherit (builtins)
    attrNames
    concatMap
    concatStringsSep
    elemAt
    filter
    foldl'
    fromJSON
    genList
    hasAttr
    length
    listToAttrs
    map
    readFile
    replaceStrings
    stringLength
    substring
    ;

  lib = {
    inherit (builtins)
      all
      any
      attrNames
      attrValues
      concatLists
      concatMap
      concatStringsSep
      elem
      filter
      foldl'
      head
      isAttrs
      length
      listToAttrs
      map
      mapAttrs
      match
      sort
      tail
      ;

    mkIf = condition: content: {
      _type = "if";
      inherit condition content;
    };
    mkMerge = contents: {
      _type = "merge";
      inherit contents;
    };
    mkOverride = priority: content: {
      _type = "override";
      inherit priority content;
    };
    mkDefault = lib.mkOverride 1000;
    mkForce = lib.mkOverride 50;
    mkOption = option: option // { _type = "option"; };
    mkEnableOption =
      name:
      lib.mkOption {
        type = lib.types.bool;
        default = false;
        example = true;
        description = "Whether to enable ${name}.";
      };
    mkPackageOption =
      pkgs: name:
      {
        default ? name,
      }:
      lib.mkOption {
        type = lib.types.package;
        default = pkgs.${default};
        description = "The ${name} package to use.";
      };
    literalMD = text: {
      _type = "literalMD";
      inherit text;
    };
    literalExpression = text: {
      _type = "literalExpression";
      inherit text;
    };

    filterAttrs =
      keep: set:
      listToAttrs (
        concatMap (
          name:
          if keep name set.${name} then
            [
              {
                inherit name;
                value = set.${name};
              }
            ]
          else
            [ ]
        ) (attrNames set)
      );
    mapAttrsToList = make: set: map (name: make name set.${name}) (attrNames set);
    nameValuePair = name: value: { inherit name value; };
    genAttrs =
      names: make:
      listToAttrs (
        map (name: {
          inherit name;
          value = make name;
        }) names
      );
    optionalString = condition: text: if condition then text else "";
    optional = condition: item: if condition then [ item ] else [ ];
    optionals = condition: items: if condition then items else [ ];
    optionalAttrs = condition: set: if condition then set else { };
    last = list: elemAt list (length list - 1);
    unique = foldl' (found: item: if builtins.elem item found then found else found ++ [ item ]) [ ];

    toLower = replaceStrings (lib.letters "ABCDEFGHIJKLMNOPQRSTUVWXYZ") (lib.letters "abcdefghijklmnopqrstuvwxyz");
    letters = text: genList (n: substring n 1 text) (stringLength text);
    hasPrefix = prefix: text: substring 0 (stringLength prefix) text == prefix;
    hasSuffix =
      suffix: text:
      let
        rest = stringLength text - stringLength suffix;
      in
      rest >= 0 && substring rest (stringLength suffix) text == suffix;
    removePrefix =
      prefix: text:
      if lib.hasPrefix prefix text then substring (stringLength prefix) (stringLength text) text else text;
    removeSuffix =
      suffix: text:
      if lib.hasSuffix suffix text then substring 0 (stringLength text - stringLength suffix) text else text;
    escapeShellArg = text: "'${replaceStrings [ "'" ] [ "'\\''" ] (toString text)}'";

    getExe' = package: name: "${package}/bin/${name}";
    makeBinPath = packages: concatStringsSep ":" (map (package: "${package}/bin") packages);
    importJSON = file: fromJSON (readFile file);
    importTOML = file: builtins.fromTOML (readFile file);
    versionOlder = a: b: builtins.compareVersions a b < 0;
    versions.majorMinor =
      version:
      let
        parts = builtins.splitVersion version;
      in
      "${elemAt parts 0}.${elemAt parts 1}";

    types = import ./types.nix lib;
    inherit (import ./modules.nix lib) evalModules mergeDefinitions;

    # Files of a tree, as the union of some of its parts.
    fileset = {
      unions = paths: paths;
      toSource =
        { root, fileset }:
        let
          wanted = map toString fileset;
          # A part, what is below it, and the directories above it.
          keeps =
            path: part: path == part || lib.hasPrefix "${part}/" path || lib.hasPrefix "${path}/" part;
        in
        {
          outPath = builtins.path {
            name = "source";
            path = root;
            filter = path: _: builtins.any (keeps path) wanted;
          };
        };
    };

    licenses.asl20 = "Apache-2.0";
    platforms.linux = [
      "x86_64-linux"
      "aarch64-linux"
    ];
  };
in
lib
