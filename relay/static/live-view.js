/**
 * Live views: what a change makes of the items that one has.  Pure.
 *
 * A view's channel says `{"value": [...]}`, the whole view, or `{"patch": [...]}`, the way to it in
 * operations of RFC 6902: an item comes, goes or moves, or one of its members is another.
 */

/** Items after a change; those that stay what they were stay the same objects. */
export function changed(items, change) {
  if (change.value) return change.value;
  const result = [...items];
  for (const operation of change.patch) apply(result, operation);
  return result;
}

function apply(items, { op, path, from, value }) {
  const [index, member] = path.slice(1).split("/");
  switch (op) {
    case "add":
      items.splice(index, 0, value);
      break;
    case "remove":
      items.splice(index, 1);
      break;
    case "move":
      items.splice(index, 0, ...items.splice(from.slice(1), 1));
      break;
    case "replace":
      items[index] = { ...items[index], [member]: value };
      break;
    default:
      throw new Error(`an operation that views do not have: ${op}`);
  }
}
