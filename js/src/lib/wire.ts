// Arrays on the wire: the other half of headwidgets/widgets/wire.py.
// A header says what one little-endian, C-ordered buffer holds; golden bytes in
// test/golden, written by Python, hold both halves to the same meaning.

export type DType = "float32" | "uint8" | "int32" | "float16";

export interface Header {
  dtype: DType;
  shape: number[];
  /** For float16: a value is `centre + scale * half`. */
  centre?: number;
  scale?: number;
}

export type Values = Float32Array | Uint8Array | Int32Array;

export interface NdArray<T extends Values = Values> {
  data: T;
  shape: number[];
  /** Largest absolute error of a value: 0, or 2⁻¹¹ × scale for float16. */
  bound: number;
  /** The least and the largest finite value, where the header says them. */
  extent?: [number, number];
}

/** Largest buffer that is sent or accepted, in bytes. */
export const LIMIT = 16 * 2 ** 20;
/** Error of a scaled float16 value, as a share of the scale. */
export const RELATIVE_BOUND = 2 ** -11;

const BYTES: Record<DType, number> = { float32: 4, uint8: 1, int32: 4, float16: 2 };

/** A header or buffer that is not what the pair agreed on. */
export class WireError extends Error {
  override name = "WireError";
}

/** Read what Python's `encode` or `encode_scaled` wrote; float16 is widened to float32. */
export function decode(header: unknown, buffer: ArrayBufferView | ArrayBuffer): NdArray {
  const { dtype, shape, centre, scale } = checkHeader(header);
  const expected = shape.reduce((a, b) => a * b, 1) * BYTES[dtype];
  if (buffer.byteLength !== expected) {
    throw new WireError(
      `expected ${expected} bytes for ${dtype} [${shape}], got ${buffer.byteLength}`,
    );
  }
  switch (dtype) {
    case "float32":
      return { data: new Float32Array(ownBytes(buffer)), shape, bound: 0 };
    case "int32":
      return { data: new Int32Array(ownBytes(buffer)), shape, bound: 0 };
    case "uint8":
      return { data: new Uint8Array(ownBytes(buffer)), shape, bound: 0 };
    case "float16":
      return {
        ...{ data: unscale(halvesOf(buffer), centre, scale), shape },
        ...{ bound: RELATIVE_BOUND * scale, extent: [centre - scale, centre + scale] },
      };
  }
}

/** Write an array exactly, for Python's `decode`. */
export function encode(data: Values, shape: readonly number[]): [Header, ArrayBuffer] {
  const dtype =
    data instanceof Float32Array ? "float32" : data instanceof Int32Array ? "int32" : "uint8";
  const header: Header = { dtype, shape: [...shape] };
  checkHeader(header);
  if (shape.reduce((a, b) => a * b, 1) !== data.length) {
    throw new WireError(`expected ${data.length} values in shape [${shape}]`);
  }
  return [header, ownBytes(data)];
}

/** Widen IEEE half precision numbers and undo the scaling; what is not finite stays so. */
function unscale(halves: Uint16Array, centre: number, scale: number): Float32Array {
  const out = new Float32Array(halves.length);
  const bits = new Uint32Array(out.buffer);
  // The same bits read as a float32 are the value times 2⁻¹¹², exactly, subnormal ones too.
  const by = scale * 2 ** 112;
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i] as number;
    bits[i] = ((half & 0x8000) << 16) | ((half & 0x7fff) << 13);
    if ((half & 0x7c00) !== 0x7c00) out[i] = centre + by * (out[i] as number);
    else out[i] = half & 0x3ff ? Number.NaN : half & 0x8000 ? -Infinity : Infinity;
  }
  return out;
}

/** Half precision numbers, only to be read: where they are, if they are aligned. */
function halvesOf(buffer: ArrayBufferView | ArrayBuffer): Uint16Array {
  if (buffer instanceof ArrayBuffer || buffer.byteOffset % 2)
    return new Uint16Array(ownBytes(buffer));
  return new Uint16Array(buffer.buffer as ArrayBuffer, buffer.byteOffset, buffer.byteLength / 2);
}

/** A copy that starts at an aligned offset 0: hosts hand over views into larger buffers. */
function ownBytes(buffer: ArrayBufferView | ArrayBuffer): ArrayBuffer {
  const out = new ArrayBuffer(buffer.byteLength);
  const [source, offset] =
    buffer instanceof ArrayBuffer ? [buffer, 0] : [buffer.buffer, buffer.byteOffset];
  new Uint8Array(out).set(new Uint8Array(source, offset, buffer.byteLength));
  return out;
}

function checkHeader(header: unknown): Required<Header> {
  const { dtype, shape, centre, scale } = (header ?? {}) as Partial<Record<keyof Header, unknown>>;
  if (typeof dtype !== "string" || !Object.hasOwn(BYTES, dtype)) {
    throw new WireError(
      `expected dtype ${Object.keys(BYTES).join(", ")}, got ${JSON.stringify(dtype)}`,
    );
  }
  if (!Array.isArray(shape) || !shape.every((n) => Number.isInteger(n) && n >= 0)) {
    throw new WireError(`expected a shape such as [12, 64], got ${JSON.stringify(shape)}`);
  }
  const size = shape.reduce((a: number, b: number) => a * b, 1) * BYTES[dtype as DType];
  if (size > LIMIT) {
    throw new WireError(`${size} bytes for shape [${shape}] exceed the ${LIMIT} of one message`);
  }
  if (dtype === "float16" && !(Number.isFinite(centre) && Number.isFinite(scale))) {
    throw new WireError("expected a finite centre and scale beside float16");
  }
  return { dtype: dtype as DType, shape, centre: Number(centre), scale: Number(scale) };
}
