# A module evaluator as small as the modules here need: no types are checked, only options are merged. What nixpkgs' own
# evaluator makes of the same modules is for the VM tests in nix/tests, which need nixpkgs.
{
  modules ? [ ],
  settings ? { },
}:
let
  inherit (builtins)
    all
    attrNames
    concatLists
    concatMap
    elemAt
    filter
    foldl'
    fromJSON
    hasAttr
    isAttrs
    isFunction
    isList
    length
    listToAttrs
    map
    mapAttrs
    readFile
    removeAttrs
    sort
    ;

  tagged = kind: value: isAttrs value && (value._kind or "") == kind;

  lib = {
    mkIf = condition: content: {
      _kind = "if";
      inherit condition content;
    };
    mkMerge = contents: {
      _kind = "merge";
      inherit contents;
    };
    mkDefault = value: {
      _kind = "default";
      inherit value;
    };
    mkOption = option: option // { _kind = "option"; };
    mkEnableOption =
      _:
      lib.mkOption {
        type = "bool";
        default = false;
      };
    mkPackageOption =
      pkgs: name: _:
      lib.mkOption {
        type = "package";
        default = pkgs.${name};
      };
    types = listToAttrs (
      map
        (name: {
          inherit name;
          value = name;
        })
        [
          "bool"
          "path"
          "str"
        ]
    ) // {
      enum = values: { inherit values; };
      attrsOf = inner: { inherit inner; };
      submodule = module: { submodule = module; };
    };
    attrNames = attrNames;
    concatStringsSep = builtins.concatStringsSep;
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
    getExe' = package: name: "${package}/bin/${name}";
    importJSON = file: fromJSON (readFile file);
    last = list: elemAt list (length list - 1);
    literalMD = text: text;
    sort = sort;
    versionOlder = a: b: builtins.compareVersions a b < 0;
  };

  pkgs = {
    orlop = "/store/orlop";
    cni-plugins = "/store/cni-plugins";
    formats.json = _: { type = "json"; };
    runCommand = name: _: _: "/store/${name}";
  };

  resolve =
    module:
    if isFunction module then
      module args
    else if isAttrs module then
      module
    else
      resolve (import module);

  load =
    module:
    let
      value = resolve module;
      rest = removeAttrs value [
        "imports"
        "options"
      ];
    in
    concatMap load (value.imports or [ ])
    ++ [
      {
        options = value.options or { };
        config = value.config or rest;
      }
    ];

  loaded = concatMap load (modules ++ [ settings ]);

  # Plain sets out of a definition, conditions pushed down to their values: names are known before a condition is.
  expand =
    value:
    if tagged "if" value then
      map (mapAttrs (_: lib.mkIf value.condition)) (expand value.content)
    else if tagged "merge" value then
      concatMap expand value.contents
    else
      [ value ];

  # Values of a definition whose conditions hold; defaults keep their mark.
  flatten =
    value:
    if tagged "if" value then
      (if value.condition then flatten value.content else [ ])
    else if tagged "merge" value then
      concatMap flatten value.contents
    else
      [ value ];

  merge =
    values:
    let
      flat = concatMap flatten values;
      strong = filter (value: !(tagged "default" value)) flat;
      plain = if strong != [ ] then strong else map (value: value.value) flat;
    in
    if all isAttrs plain then
      mergeSets { } plain
    else if all isList plain then
      concatLists plain
    else
      elemAt plain (length plain - 1);

  # Options are merged by their declared place; what no option declares is merged by its value.
  mergeSets =
    options: sets:
    let
      expanded = concatMap expand sets;
      given = name: concatMap (set: if hasAttr name set then [ set.${name} ] else [ ]) expanded;
      value =
        name:
        if !(hasAttr name options) then
          merge (given name)
        else if tagged "option" options.${name} then
          leaf options.${name} (given name)
        else
          mergeSets options.${name} (given name);
    in
    mapAttrs (name: _: value name) (foldl' (names: set: names // set) options expanded);

  leaf =
    option: values:
    let
      inner = (option.type.submodule or { }).options or { };
      present = concatMap flatten values;
    in
    if inner != { } then
      mergeSets inner (if present == [ ] then [ (option.default or { }) ] else present)
    else if present == [ ] then
      option.default or null
    else
      merge values;

  # Declarations never have conditions.
  declared = foldl' deepUnion { } (map (module: module.options) loaded);
  deepUnion =
    a: b:
    a
    // mapAttrs (
      name: value:
      if hasAttr name a && !(tagged "option" value) then deepUnion a.${name} value else value
    ) b;

  config = mergeSets declared (map (module: module.config) loaded);
  args = { inherit config lib pkgs; };
in
{
  inherit (config.services.orlop) declaration;
  files = attrNames (config.environment.etc or { });
  units = attrNames (config.systemd.services or { });
  # Without any assertion in force the merged value is an empty set.
  failed = map (item: item.message) (
    filter (item: !item.assertion) (if isList config.assertions then config.assertions else [ ])
  );
}
