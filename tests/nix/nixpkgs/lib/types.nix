# Types of options: how a value is checked, and how several definitions become one.
lib:
let
  inherit (builtins)
    all
    attrNames
    concatLists
    concatMap
    concatStringsSep
    elem
    elemAt
    filter
    foldl'
    genList
    head
    isAttrs
    isBool
    isFloat
    isFunction
    isInt
    isList
    isPath
    isString
    length
    listToAttrs
    map
    match
    tail
    throw
    toJSON
    ;
  inherit (lib) mergeDefinitions;

  show = concatStringsSep ".";

  one =
    loc: defs:
    foldl' (
      first: def:
      if def.value == first then
        first
      else
        throw "The option `${show loc}' has conflicting definition values: ${toJSON first}, ${toJSON def.value}"
    ) (head defs).value (tail defs);

  scalar = description: check: {
    inherit description check;
    merge = one;
  };

  isPathLike = value: isPath value || isAttrs value && value ? outPath || isString value && match "/.*" value != null;

  # Sets are merged, lists are joined, everything else must agree.
  anything = {
    description = "anything";
    check = _: true;
    merge =
      loc: defs:
      if all (def: isAttrs def.value && !(def.value ? outPath)) defs then
        (attrsOf anything).merge loc defs
      else if all (def: isList def.value) defs && length defs > 1 then
        concatLists (map (def: def.value) defs)
      else
        one loc defs;
  };

  attrsOf = inner: {
    description = "attribute set of ${inner.description}";
    check = isAttrs;
    merge =
      loc: defs:
      let
        names = attrNames (foldl' (found: def: found // def.value) { } defs);
        merged =
          name:
          mergeDefinitions (loc ++ [ name ]) inner (
            concatMap (def: if def.value ? ${name} then [ (plain def def.value.${name}) ] else [ ]) defs
          );
      in
      listToAttrs (
        concatMap (
          name:
          if (merged name).defined then
            [
              {
                inherit name;
                inherit (merged name) value;
              }
            ]
          else
            [ ]
        ) names
      );
  };

  # A definition inside another one starts with a priority of its own.
  plain = def: value: {
    inherit (def) file;
    inherit value;
  };

  listOf = inner: {
    description = "list of ${inner.description}";
    check = isList;
    merge =
      loc: defs:
      map (found: found.value) (
        filter (found: found.defined) (
          concatMap (
            def:
            genList (
              n: mergeDefinitions (loc ++ [ "[definition ${toString (n + 1)}-entry]" ]) inner [ (plain def (elemAt def.value n)) ]
            ) (length def.value)
          ) defs
        )
      );
  };

  either = a: b: {
    description = "${a.description} or ${b.description}";
    check = value: a.check value || b.check value;
    merge = loc: defs: if all (def: a.check def.value) defs then a.merge loc defs else b.merge loc defs;
  };
in
{
  inherit
    anything
    attrsOf
    either
    listOf
    ;
  raw = scalar "raw value" (_: true);
  bool = scalar "boolean" isBool;
  str = scalar "string" isString;
  int = scalar "signed integer" isInt;
  float = scalar "floating point number" isFloat;
  number = scalar "signed integer or floating point number" (value: isInt value || isFloat value);
  path = scalar "absolute path" isPathLike;
  package = scalar "package" (value: isAttrs value && value ? outPath);
  attrs = {
    description = "attribute set";
    check = isAttrs;
    merge = _: foldl' (found: def: found // def.value) { };
  };
  enum = values: scalar "one of ${concatStringsSep ", " (map toJSON values)}" (value: elem value values);
  strMatching =
    pattern: scalar "string matching the pattern ${pattern}" (value: isString value && match pattern value != null);
  oneOf = kinds: foldl' either (head kinds) (tail kinds);
  nullOr = inner: {
    description = "null or ${inner.description}";
    check = value: value == null || inner.check value;
    merge =
      loc: defs:
      if all (def: def.value == null) defs then
        null
      else if builtins.any (def: def.value == null) defs then
        throw "The option `${show loc}' is defined both null and not null"
      else
        inner.merge loc defs;
  };
  addCheck =
    type: check:
    type
    // {
      check = value: type.check value && check value;
    };
  submodule = module: {
    description = "submodule";
    check = value: isAttrs value || isFunction value || isPath value;
    merge =
      loc: defs:
      (lib.evalModules {
        modules = [ module ] ++ map (def: {
          _file = def.file;
          config = def.value;
        }) defs;
        prefix = loc;
      }).config;
  };
}
