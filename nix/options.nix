# Options from the declaration's schema (schema.json: what `orlop node schema` prints), with its types and meanings.
#
# An option that is not set is null and stays out of the declaration, so that its default is the declaration's own: what
# Ansible does not say and what a module does not set are the same. `declared` drops those nulls again.
{
  lib,
  pkgs,
  schema ? lib.importJSON ./schema.json,
}:
let
  inherit (lib) types;
  json = (pkgs.formats.json { }).type;
  definitions = schema."$defs";

  resolve =
    part:
    if part ? "$ref" then
      definitions.${lib.removePrefix "#/$defs/" part."$ref"} // removeAttrs part [ "$ref" ]
    else
      part;

  isNull = part: (part.type or "") == "null";
  isSection = part: part ? properties || part ? discriminator;

  # POSIX patterns, which Nix has, match the whole text; those of the schema say themselves where they begin and end.
  whole =
    pattern:
    (if lib.hasPrefix "^" pattern then lib.removePrefix "^" pattern else ".*${pattern}")
    + (if lib.hasSuffix "$" pattern then "" else ".*");
  anchored = pattern: lib.removeSuffix "$" (whole pattern);

  within =
    part: type:
    types.addCheck type (
      value: (part.minimum or value) <= value && value <= (part.maximum or value)
    )
    // {
      description =
        type.description
        + lib.concatStringsSep "" (
          lib.optional (part ? minimum) ", at least ${toString part.minimum}"
          ++ lib.optional (part ? maximum) ", at most ${toString part.maximum}"
        );
    };

  # free: names that the schema does not have are let through, and judged by the program that reads them.
  typeOf =
    free: unresolved:
    let
      part = resolve unresolved;
      kind = part.type or "";
    in
    if part ? enum then
      types.enum part.enum
    else if isSection part then
      section free part
    else if part ? anyOf then
      anyOf free part.anyOf
    else if kind == "object" then
      (if part ? additionalProperties then types.attrsOf (typeOf free part.additionalProperties) else types.attrsOf json)
    else if kind == "array" then
      types.listOf (typeOf free part.items)
    else if kind == "string" then
      (if part ? pattern then types.strMatching (anchored part.pattern) else types.str)
    else if kind == "integer" then
      within part types.int
    else if kind == "number" then
      within part types.number
    else if kind == "boolean" then
      types.bool
    else
      json;

  anyOf =
    free: parts:
    let
      kinds = map (typeOf free) (lib.filter (part: !(isNull part)) parts);
      type = if lib.length kinds == 1 then lib.head kinds else types.oneOf kinds;
    in
    if lib.any isNull parts then types.nullOr type else type;

  # Sections whose kind is chosen by a tag have the options of every kind; `strangers` finds what the choice has not.
  properties =
    part:
    if part ? discriminator then
      lib.foldl' (found: variant: found // (resolve variant).properties) { } part.anyOf
      // {
        ${part.discriminator.propertyName} = {
          enum = lib.attrNames part.discriminator.mapping;
          description = "Which kind it is; the other options depend on it.";
        };
      }
    else
      part.properties;

  section =
    free: part:
    types.submodule (
      {
        options = lib.mapAttrs (
          name: inner:
          option free name (
            if part ? discriminator && name == part.discriminator.propertyName then
              inner // { inherit (part) default; chosen = part.default.${name}; }
            else
              inner
          )
        ) (properties part);
      }
      // lib.optionalAttrs free { freeformType = types.attrsOf json; }
    );

  option =
    free: name: unresolved:
    let
      part = resolve unresolved;
      type = typeOf free unresolved;
      description = part.description or "`${name}`, by the name that its program gives it.";
    in
    if unresolved ? chosen then
      lib.mkOption {
        inherit type description;
        default = unresolved.chosen;
      }
    else if isSection part then
      lib.mkOption {
        inherit type description;
        default = { };
      }
    else
      lib.mkOption {
        type = if lib.any isNull (part.anyOf or [ ]) then type else types.nullOr type;
        inherit description;
        default = null;
        defaultText = lib.literalMD (
          if part ? default then "`${builtins.toJSON part.default}`, where nothing is set" else "nothing"
        );
      };

  # A value of the options as the declaration has it: without what was not set.
  declaredPart =
    unresolved: value:
    let
      part = resolve unresolved;
    in
    if value == null then
      null
    else if isSection part then
      lib.filterAttrs (name: inner: inner != null && !(inner == { } && isSection (resolve (properties part).${name} or { }))) (
        lib.mapAttrs (name: inner: if properties part ? ${name} then declaredPart (properties part).${name} inner else inner) value
      )
    else if part ? additionalProperties && isSection (resolve part.additionalProperties) then
      lib.mapAttrs (_: declaredPart part.additionalProperties) value
    else
      value;

  top = definitions.Declaration.properties;
in
{
  # Options of the declaration's top by its names. The daemon and the kubelet are programs of their own, so their settings
  # have a free form (RFC 42).
  options = lib.mapAttrs (name: option (lib.elem name [ "daemon" "kubelet" ]) name) top;

  # The declaration from the values of those options.
  declared =
    values:
    lib.filterAttrs (name: value: value != null && !(value == { } && isSection (resolve top.${name}))) (
      lib.mapAttrs (name: declaredPart top.${name}) values
    );

  # Names set in a section that the kind chosen by its tag does not have.
  strangers =
    name: value:
    let
      part = resolve top.${name};
      tag = part.discriminator.propertyName;
      chosen = resolve { "$ref" = part.discriminator.mapping.${value.${tag}}; };
    in
    lib.filter (key: value.${key} != null && !(chosen.properties ? ${key})) (lib.attrNames value);
}
