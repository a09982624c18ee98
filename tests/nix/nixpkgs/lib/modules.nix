# A module evaluator for tests: options with types, priorities, conditions, submodules and free forms, with the words of
# nixpkgs' own errors. It takes no shortcut that would hide a mistake: what no option declares is an error. What it makes of
# the modules here is compared with nixpkgs' own `lib` where NIXPKGS_LIB names one (tests/nix/test_modules.py).
lib:
let
  inherit (builtins)
    all
    attrNames
    concatMap
    concatStringsSep
    elemAt
    filter
    foldl'
    hasAttr
    head
    isAttrs
    isFunction
    length
    listToAttrs
    map
    mapAttrs
    removeAttrs
    seq
    tail
    throw
    toJSON
    ;

  marked = kind: value: isAttrs value && (value._type or "") == kind;
  show = loc: concatStringsSep "." loc;

  # 1. Modules, their imports first, each with the file it is from.
  load =
    args: file: module:
    let
      path = builtins.isPath module || builtins.isString module;
      value = if path then import module else module;
      set = if isFunction value then value args else value;
      from = if path then toString module else set._file or file;
      plain = removeAttrs set [
        "_file"
        "imports"
        "options"
      ];
    in
    concatMap (load args from) (set.imports or [ ])
    ++ [
      {
        file = from;
        options = set.options or { };
        config = if set ? options || set ? config then set.config or { } else plain;
        freeformType = set.freeformType or null;
      }
    ];

  # 2. Declarations of all modules in one tree.
  union =
    loc: a: b:
    a
    // mapAttrs (
      name: value:
      if !(hasAttr name a) then
        value
      else if marked "option" value || marked "option" a.${name} then
        throw "The option `${show (loc ++ [ name ])}' is already declared."
      else
        union (loc ++ [ name ]) a.${name} value
    ) b;

  # 3. Definitions: conditions of a whole set are pushed down to its values, for names are known before a condition is.
  expand =
    def:
    if marked "if" def.value then
      map (inner: inner // { value = mapAttrs (_: lib.mkIf def.value.condition) inner.value; }) (
        expand (def // { value = def.value.content; })
      )
    else if marked "merge" def.value then
      concatMap (value: expand (def // { inherit value; })) def.value.contents
    else if marked "override" def.value then
      map (inner: inner // { value = mapAttrs (_: lib.mkOverride def.value.priority) inner.value; }) (
        expand (def // { value = def.value.content; })
      )
    else
      [ def ];

  given =
    name: defs:
    concatMap (def: if hasAttr name def.value then [ (def // { value = def.value.${name}; }) ] else [ ]) defs;

  # Values whose conditions hold, each with its priority.
  discharge =
    def:
    if marked "if" def.value then
      (if def.value.condition then discharge (def // { value = def.value.content; }) else [ ])
    else if marked "merge" def.value then
      concatMap (value: discharge (def // { inherit value; })) def.value.contents
    else if marked "override" def.value then
      map (inner: inner // { inherit (def.value) priority; }) (
        discharge (def // { value = def.value.content; })
      )
    else
      [ ({ priority = 100; } // def) ];

  strongest =
    defs:
    let
      best = foldl' (least: def: if def.priority < least then def.priority else least) 9999 defs;
    in
    filter (def: def.priority == best) defs;

  # A value of a type from its definitions; an empty list of them is the caller's affair.
  mergeDefinitions =
    loc: type: defs:
    let
      kept = strongest (concatMap discharge defs);
      wrong = filter (def: !(type.check def.value)) kept;
    in
    {
      defined = kept != [ ];
      count = length kept;
      value =
        if wrong == [ ] then
          type.merge loc kept
        else
          throw "A definition for option `${show loc}' is not of type `${type.description}'. Definition values: ${
            concatStringsSep ", " (map (def: "${toJSON def.value} (in ${def.file})") wrong)
          }";
    };

  option =
    loc: declared: defs:
    let
      default =
        if declared ? default then
          [
            {
              file = "its declaration";
              value = lib.mkOverride 1500 declared.default;
            }
          ]
        else
          [ ];
      merged = mergeDefinitions loc (declared.type or lib.types.anything) (defs ++ default);
    in
    if (declared.readOnly or false) && merged.count > 1 then
      throw "The option `${show loc}' is read-only, but it's set multiple times."
    else if merged.defined then
      (declared.apply or (x: x)) merged.value
    else
      throw "The option `${show loc}' was accessed but has no value defined. Try setting the option.";

  # 4. The tree: what is declared by its declaration, the rest by the free form, if there is one.
  tree =
    loc: declared: freeform: raw:
    let
      defs = concatMap expand raw;
      strangers = map (def: def // { value = removeAttrs def.value (attrNames declared); }) defs;
      unknown = filter (def: def.value != { }) strangers;
      branch =
        name: value:
        if marked "option" value then
          option (loc ++ [ name ]) value (given name defs)
        else
          (tree (loc ++ [ name ]) value null (given name defs)).config;
      inner = listToAttrs (
        concatMap (
          name:
          if marked "option" declared.${name} then
            [ ]
          else
            [
              {
                inherit name;
                value = tree (loc ++ [ name ]) declared.${name} null (given name defs);
              }
            ]
        ) (attrNames declared)
      );
      first = head unknown;
      here =
        if freeform != null || unknown == [ ] then
          [ ]
        else
          [
            "The option `${show (loc ++ [ (head (attrNames first.value)) ])}' does not exist. Definition values: in ${first.file}"
          ];
    in
    {
      config = (if freeform == null then { } else freeform.merge loc strangers) // mapAttrs branch declared;
      problems = here ++ concatMap (name: inner.${name}.problems) (attrNames inner);
    };

  evalModules =
    {
      modules,
      specialArgs ? { },
      prefix ? [ ],
    }:
    let
      args = specialArgs // {
        inherit lib;
        inherit (whole) config;
        options = declared;
      };
      loaded = concatMap (load args "<unknown-file>") modules;
      declared = foldl' (union prefix) { } (map (module: module.options) loaded);
      free = filter (type: type != null) (map (module: module.freeformType) loaded);
      whole = tree prefix declared (if free == [ ] then null else head free) (
        map (module: {
          inherit (module) file;
          value = module.config;
        }) loaded
      );
    in
    {
      options = declared;
      config = if whole.problems == [ ] then whole.config else throw (head whole.problems);
    };
in
{
  inherit evalModules mergeDefinitions;
}
