/**
 * Chat in step with the viewer's picture.  Pure.
 *
 * Whoever is at the live edge reads of a goal before seeing it: words travel faster than pictures.
 * In step, a message is shown when this viewer's picture gets to where the broadcast was when it was
 * said.  That is a matter of the picture alone, so a picture that is paused or rewound takes the
 * chat along.
 */

/**
 * Whether the picture has got to where this was said.
 *
 * `picture` is { session, mediaMs, wallMs }, or null where there is none to be in step with.  Media
 * times are those of one session; across sessions, and for what was said while nobody was live, the
 * wall clock of the picture is as good as it gets; where that is not known, it is null.
 */
export function isReached(message, picture) {
  if (picture === null) return true;
  if (message.session === picture.session) return message.mediaMs <= picture.mediaMs;
  return message.at <= (picture.wallMs ?? Infinity);
}

/** How many of the messages, oldest first, are to be shown. */
export function reached(messages, picture) {
  let count = messages.length;
  while (count > 0 && !isReached(messages[count - 1], picture)) count -= 1;
  return count;
}
