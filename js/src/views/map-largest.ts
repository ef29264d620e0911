// The largest of several values, for a million of them a picture: so each is a plain loop.

/** Values, or their bits. */
export type Numbers = Float32Array | Int32Array;

/** How the values that fall on one pixel become one; what is no number is never hidden. */
export interface Largest {
  /** What `rows` and `cells` work on, of the same memory. */
  view(values: Float32Array): Numbers;
  /** Of three rows, of which some may be the same, value by value. */
  rows(a: Numbers, b: Numbers, c: Numbers, into: Numbers): void;
  /** Of the values from `from[i]` to before `to[i]`, for i from `first` to before `end`. */
  cells(values: Numbers, cuts: Cuts, end: number, into: Numbers): void;
}

/** Which values each pixel of an axis shows, [from, to); the pixels that show any, [first, end). */
export interface Cuts {
  from: Int32Array;
  to: Int32Array;
  first: number;
  end: number;
}

/**
 * For values from 0 on, as `decode` gives them (no −0, and no NaN with a sign): their bits have
 * their order, NaN and ∞ above all, and the larger of two integers needs no branch.
 */
export const ofPositive: Largest = {
  view: (values) => new Int32Array(values.buffer, values.byteOffset, values.length),
  rows(a, b, c, into) {
    for (let i = 0; i < into.length; i++) {
      const first = a[i] as number;
      const one = (first - (b[i] as number)) | 0;
      const both = (first - (one & (one >> 31))) | 0;
      const two = (both - (c[i] as number)) | 0;
      into[i] = both - (two & (two >> 31));
    }
  },
  cells(values, { from, to, first }, end, into) {
    for (let i = first; i < end; i++) {
      const stop = to[i] as number;
      let at = from[i] as number;
      let high = values[at] as number;
      while (++at < stop) {
        const less = (high - (values[at] as number)) | 0;
        high = (high - (less & (less >> 31))) | 0;
      }
      into[i] = high;
    }
  },
};

/** For any values. */
export const ofAny = fold((was, value) => Math.max(was, value));

/** The farthest from zero. */
export const ofSigned = fold((was, value) =>
  Number.isNaN(was) || Math.abs(value) <= Math.abs(was) ? was : value,
);

function fold(larger: (was: number, value: number) => number): Largest {
  return {
    view: (values) => values,
    rows(a, b, c, into) {
      for (let i = 0; i < into.length; i++) {
        into[i] = larger(larger(a[i] as number, b[i] as number), c[i] as number);
      }
    },
    cells(values, { from, to, first }, end, into) {
      for (let i = first; i < end; i++) {
        const stop = to[i] as number;
        let at = from[i] as number;
        let high = values[at] as number;
        while (++at < stop) high = larger(high, values[at] as number);
        into[i] = high;
      }
    },
  };
}
