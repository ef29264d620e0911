// The colours: viridis for magnitudes, blue to red through the surface for signed values.
// The same tables as headwidgets/widgets/luts.py; a test holds the two together.

export type Colour = readonly [number, number, number];

export const BLUE: Colour = [33, 102, 172];
export const RED: Colour = [178, 24, 43];

// Matplotlib's viridis (S. van der Walt and N. Smith, CC0): 256 colours of three bytes, base64.
const VIRIDIS =
  "RAFURAJWRQRXRQVZRgdaRghcRgpdRgteRw1gRw5hRxBjRxFkRxNlSBRnSBZoSBdpSBhqSBpsSBttSBxuSB1v" +
  "SB9wSCBxSCFzSCN0SCR1SCV2SCZ3SCh4SCl5Ryp6Ryx6Ry17Ry58Ry99RjB+RjJ+RjN/RjSARTWBRTeBRTiC" +
  "RDmDRDqDRDuEQz2EQz6FQj+FQkCGQkGGQUKHQUSHQEWIQEaIP0eIP0iJPkmJPkqJPkyKPU2KPU6KPE+KPFCL" +
  "O1GLO1KLOlOLOlSMOVWMOVaMOFiMOFmMN1qMN1uNNlyNNl2NNV6NNV+NNGCNNGGNM2KNM2ONMmSOMmWOMWaO" +
  "MWeOMWiOMGmOMGqOL2uOL2yOLm2OLm6OLm+OLXCOLXGOLHGOLHKOLHOOK3SOK3WOKnaOKneOKniOKXmOKXqO" +
  "KXuOKHyOKH2OJ36OJ3+OJ4COJoGOJoKOJoKOJYOOJYSOJYWOJIaOJIeOI4iOI4mOI4qNIouNIoyNIo2NIY6N" +
  "IY+NIZCNIZGMIJKMIJKMIJOMH5SMH5WLH5aLH5eLH5iLH5mKH5qKHpuKHpyJHp2JH56JH5+IH6CIH6GIH6GH" +
  "H6KHIKOGIKSGIaWFIaaFIqeFIqiEI6mDJKqDJauCJayCJq2BJ62BKK6AKa9/KrB/LLF+LbJ9LrN8L7R8MbV7" +
  "MrZ6NLZ5Nbd5N7h4OLl3Orp2O7t1Pbx0P7xzQL1yQr5xRL9wRsBvSMFuSsFtTMJsTsNrUMRqUsVpVMVoVsZn" +
  "WMdlWshkXMhjXsliYMpgY8tfZcteZ8xcac1bbM1abs5YcM9Xc9BWddBUd9FTetFRfNJQf9NOgdNNhNRLhtVJ" +
  "idVIi9ZGjtZFkNdDk9dBldhAmNg+m9k8ndk7oNo5oto3pds2qNs0qtwyrdwwsN0vst0ttd4ruN4put4ovd8m" +
  "wN8lwt8jxeAhyOAgyuEfzeEd0OEc0uIb1eIa2OIZ2uMZ3eMY3+MY4uQY5eQZ5+QZ6uUa7OUb7+Uc8eUd9OYe" +
  "9uYg+OYh++cj/ecl";

/** Colours for 0 to 1: 256 × RGB. */
export const viridis: Uint8Array = Uint8Array.from(atob(VIRIDIS), (c) => c.charCodeAt(0));

const LIGHT_BLUE: Colour = [110, 180, 245];
const LIGHT_RED: Colour = [245, 120, 105];

/** Colours for -1 to 1, the surface at entry 128: 256 × RGB; lighter ends on a dark surface. */
export function diverging(surface: Colour): Uint8Array {
  const out = new Uint8Array(768);
  const dark = surface[0] + surface[1] + surface[2] < 384;
  for (let i = 0; i < 256; i++) {
    const part = Math.abs(i - 128) / (i < 128 ? 128 : 127);
    const [low, high] = dark ? [LIGHT_BLUE, LIGHT_RED] : [BLUE, RED];
    const end = i < 128 ? low : high;
    for (const c of [0, 1, 2] as const) {
      out[3 * i + c] = Math.floor(part * end[c] + (1 - part) * surface[c] + 0.5);
    }
  }
  return out;
}

/** The table as a CSS gradient, left to right. */
export function gradient(table: Uint8Array): string {
  const stops = [0, 32, 64, 96, 128, 160, 192, 224, 255].map(
    (i) => `rgb(${table.slice(3 * i, 3 * i + 3).join(" ")})`,
  );
  return `linear-gradient(90deg, ${stops.join(", ")})`;
}
