/** Places values along an axis, and says where its marks are. */
export interface Scale {
  readonly ticks: readonly number[];
  /** 0 at the beginning of the axis, 1 at its end; outside values are at the nearest of them. */
  place(value: number): number;
}

const linearTicksWanted = 5;
const steps = [1, 2, 2.5, 5, 10];
const logSteps = [1, 2, 5];
/** More decades than this, and only their beginnings are marked. */
const finelyMarkedDecadesMax = 2.5;

/** From 0 to a round number not below `max`. */
export function linearScale(max: number): Scale {
  const top = max > 0 ? max : 1;
  const rough = top / linearTicksWanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * (steps.find((factor) => factor * power >= rough) ?? 10);
  // A hair less: 0.3 / 0.1 is a little above 3, and no reason for one more step.
  const count = Math.max(1, Math.ceil(top / step - 1e-9));
  const ticks = Array.from({ length: count + 1 }, (_, index) => tidy(index * step));
  const end = count * step;
  return { ticks, place: (value) => clamp(value / end) };
}

/** From a round number not above `min` to one not below `max`; both are above 0. Each factor of ten takes the same room. */
export function logScale(min: number, max: number): Scale {
  const low = roundDown(min);
  const high = Math.max(roundUp(max), low * 2);
  const decades = Math.log10(high / low);
  const used = decades > finelyMarkedDecadesMax ? [1] : logSteps;
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power += 1) {
    ticks.push(...used.map((step) => tidy(step * 10 ** power)));
  }
  return {
    ticks: ticks.filter((tick) => tick >= low * 0.999 && tick <= high * 1.001),
    place: (value) => (value <= 0 ? 0 : clamp(Math.log10(value / low) / decades)),
  };
}

/** The given values evenly apart, and others between them as on a logarithmic scale: 1, 16 and 64 threads. */
export function listedScale(values: readonly number[]): Scale {
  const ticks = [...new Set(values)].sort((left, right) => left - right);
  return {
    ticks,
    place(value) {
      const next = ticks.findIndex((tick) => tick >= value);
      if (ticks.length < 2) return 0.5;
      if (next < 0) return 1;
      if (next === 0) return 0;
      const [below = 1, above = 1] = [ticks[next - 1], ticks[next]];
      const share = Math.log(value / below) / Math.log(above / below);
      return (next - 1 + share) / (ticks.length - 1);
    },
  };
}

/** `1.5`, `20k`: as short as an axis needs it. */
export function tickText(value: number): string {
  if (value >= 1_000_000) return `${tidy(value / 1_000_000)}M`;
  if (value >= 10_000) return `${tidy(value / 1000)}k`;
  return String(tidy(value));
}

function roundDown(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * (logSteps.findLast((step) => step * power <= value * 1.001) ?? 1);
}

function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([...logSteps, 10].find((step) => step * power >= value * 0.999) ?? 10);
}

/** Without the last bits of a division. */
function tidy(value: number): number {
  return Number(value.toPrecision(6));
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share));
}
