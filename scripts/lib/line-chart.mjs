// A line chart as SVG, for the documentation.
const WIDTH = 720;
const HEIGHT = 360;
const MARGIN = { left: 64, right: 170, top: 24, bottom: 48 };
const COLOURS = ['#2563eb', '#d97706', '#059669', '#dc2626'];

const escape = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

/** @param {{x: number[], series: {name: string, values: (number | null)[]}[], xLabel: string, yLabel: string}} chart */
export function lineChart({ x, series, xLabel, yLabel }) {
  const top = Math.max(1, ...series.flatMap(({ values }) => values.map((value) => value ?? 0))) * 1.1;
  const [from, to] = [Math.min(...x), Math.max(...x, Math.min(...x) + 1)];
  const left = (value) => MARGIN.left + ((value - from) / (to - from)) * (WIDTH - MARGIN.left - MARGIN.right);
  const up = (value) => HEIGHT - MARGIN.bottom - (value / top) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const text = (at, y, words, anchor = 'middle') =>
    `<text x="${at.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${escape(words)}</text>`;
  const parts = [];
  for (let step = 0; step <= 4; step++) {
    const value = (top / 4) * step;
    parts.push(
      `<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${up(value)}" y2="${up(value)}" stroke="#ddd"/>`,
      text(MARGIN.left - 8, up(value) + 4, String(Math.round(value)), 'end'),
    );
  }
  for (const value of x) parts.push(text(left(value), HEIGHT - MARGIN.bottom + 18, String(value)));
  series.forEach(({ name, values }, n) => {
    const points = values.flatMap((value, i) =>
      value === null ? [] : [`${left(x[i]).toFixed(1)},${up(value).toFixed(1)}`],
    );
    const colour = COLOURS[n % COLOURS.length];
    parts.push(
      `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      `<rect x="${WIDTH - MARGIN.right + 12}" y="${MARGIN.top + n * 22}" width="12" height="12" fill="${colour}"/>`,
      text(WIDTH - MARGIN.right + 30, MARGIN.top + 10 + n * 22, name, 'start'),
    );
  });
  parts.push(
    text((MARGIN.left + WIDTH - MARGIN.right) / 2, HEIGHT - 8, xLabel),
    text(16, MARGIN.top - 8, yLabel, 'start'),
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>${parts.join('')}</svg>\n`;
}
