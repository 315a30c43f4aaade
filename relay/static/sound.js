/** The viewer's volume, remembered. */

const KEY = "relay.sound";

/** Muted until the viewer has once chosen otherwise: browsers only start silent video. */
export function loadSound() {
  try {
    const { volume, muted } = JSON.parse(localStorage.getItem(KEY));
    return { volume: Math.min(1, Math.max(0, Number(volume))), muted: Boolean(muted) };
  } catch {
    // Nothing remembered, or a frame that may not remember.
    return { volume: 1, muted: true };
  }
}

export function saveSound({ volume, muted }) {
  try {
    localStorage.setItem(KEY, JSON.stringify({ volume, muted }));
  } catch {
    // A frame that may not remember still plays.
  }
}
