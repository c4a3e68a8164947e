// Finds raw bytes in a chain's types: `Vec<u8>` and `[u8; N]`, by the field that holds them.

/** SDK types that give their bytes a meaning by being themselves. */
const NAMED = new Set([
  'sp_core::crypto::AccountId32',
  'primitive_types::H256',
  'frame_support::PalletId',
]);

/** Types that only wrap: their content belongs to the field that names them. */
const WRAPPERS = new Set(['Option', 'Result', 'Box', 'Cow', 'BTreeMap', 'BoundedVec', 'WeakBoundedVec']);

/**
 * Collects the places of raw bytes under a type into `found`, as `path::to::Type.field` or `path::to::Enum::Variant.field`.
 * `place` says where the type itself is met; `done` keeps every type from being walked twice at the same place.
 */
export function findBytes(lookup, id, place, found, done = new Set()) {
  const type = lookup.getSiType(id);
  const path = type.path.map(String).join('::');
  const name = String(type.path.at(-1) ?? '');
  if (NAMED.has(path)) return;
  const { def } = type;
  const wraps = path === '' || WRAPPERS.has(name);
  const key = wraps ? `${place} ${id}` : `${id}`;
  if (done.has(key)) return;
  done.add(key);

  const walk = (next, at) => findBytes(lookup, next, at, found, done);
  const isByte = (next) => {
    const inner = lookup.getSiType(next).def;
    return inner.isPrimitive && inner.asPrimitive.type === 'U8';
  };
  const fields = (list, owner) =>
    list.forEach((field, index) => {
      const label = field.name.isSome ? field.name.unwrap().toString() : String(index);
      walk(field.type, wraps ? place : `${owner}.${label}`);
    });

  if (def.isComposite) fields(def.asComposite.fields, path);
  else if (def.isVariant) def.asVariant.variants.forEach((variant) => fields(variant.fields, `${path}::${variant.name}`));
  else if (def.isTuple) def.asTuple.forEach((part) => walk(part, place));
  else if (def.isCompact) walk(def.asCompact.type, place);
  else if (def.isSequence || def.isArray) {
    const inner = def.isSequence ? def.asSequence.type : def.asArray.type;
    if (isByte(inner)) found.add(place);
    else walk(inner, place);
  } else if (!def.isPrimitive) found.add(`${place} (${def.type})`);
}
