/**
 * Which rows of a long list are to be drawn, and where they stand.  Pure: heights in, rows out.
 *
 * Only what is in sight, and a little around it, is in the document.  How high a row is, is known
 * once it was drawn, and guessed until then.  Sums of heights are made as far as they are asked for:
 * ten thousand additions take some microseconds, and most frames change the last rows only.
 */

export class Layout {
  #guess;
  #rows = [];
  #indices = new Map();
  #heights = [];
  /** Of the rows measured, by their keys. */
  #measured = new Map();
  /** Where each row begins, and behind the last where the list ends; right up to `#known`. */
  #tops = [0];
  #known = 0;

  /** `guess(row)` is about the height of a row that was never drawn. */
  constructor(guess) {
    this.#guess = guess;
  }

  get rows() {
    return this.#rows;
  }

  /**
   * These are the rows now; each has a `key`, by which it is the same as before.  Mostly a few have
   * come at the end, and then little is to be done.
   */
  set rows(rows) {
    const same = this.#countSame(rows);
    const others = this.#rows.slice(same);
    for (const { key } of others) this.#indices.delete(key);
    this.#heights.length = same;
    for (const [index, row] of rows.slice(same).entries()) {
      this.#indices.set(row.key, same + index);
      this.#heights.push(this.#measured.get(row.key) ?? this.#guess(row));
    }
    for (const { key } of others) if (!this.#indices.has(key)) this.#measured.delete(key);
    this.#rows = rows;
    this.#known = Math.min(this.#known, same);
  }

  /** How many of the first rows are as before. */
  #countSame(rows) {
    let count = 0;
    while (count < rows.length && this.#rows[count]?.key === rows[count].key) count += 1;
    return count;
  }

  /** -1 where there is no such row. */
  indexOf(key) {
    return this.#indices.get(key) ?? -1;
  }

  /** A row was drawn, and is so high. */
  measure(index, height) {
    this.#measured.set(this.#rows[index].key, height);
    if (this.#heights[index] === height) return;
    this.#heights[index] = height;
    this.#known = Math.min(this.#known, index);
  }

  /** The width is another: all heights are. */
  forgetHeights() {
    this.#measured.clear();
    this.#heights = this.#rows.map((row) => this.#guess(row));
    this.#known = 0;
  }

  top(index) {
    for (; this.#known < index; this.#known += 1)
      this.#tops[this.#known + 1] = this.#tops[this.#known] + this.#heights[this.#known];
    return this.#tops[index];
  }

  get total() {
    return this.top(this.#rows.length);
  }

  /** The row that stands at this height; the first or the last, where none does. */
  at(y) {
    let [low, high] = [0, this.#rows.length - 1];
    this.top(this.#rows.length);
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#tops[middle] <= y) low = middle;
      else high = middle - 1;
    }
    return Math.max(0, low);
  }

  /** The rows between two heights: from `first` until before `end`. */
  between(from, to) {
    if (this.#rows.length === 0) return { first: 0, end: 0 };
    return { first: this.at(from), end: this.at(to) + 1 };
  }

  /** What stands at the upper edge, and how far into it: to find it again after a change. */
  anchor(y) {
    if (this.#rows.length === 0) return null;
    const index = this.at(y);
    return { key: this.#rows[index].key, into: y - this.top(index) };
  }

  /** Where to scroll so that it stands there again; null where it is gone. */
  back(anchor) {
    const index = anchor === null ? -1 : this.indexOf(anchor.key);
    return index < 0 ? null : this.top(index) + anchor.into;
  }
}
