// The three charts. Everything that they show stands in the tables too; here it is only drawn, and read day by day.

const { language, days, short, changes, charts } = JSON.parse(document.getElementById("charts").textContent);
const HEIGHT = 240, NARROW = 520;
const DASHES = [[], [8, 4], [2, 3]];
const STEPS = { yen: [0.001, 0.01, 0.1, 1, 10, 100, 1e3, 1e4], seconds: [1, 10, 60, 600, 3600, 36e3, 86400, 864e3] };

function number(value, options) { return new Intl.NumberFormat(language, options).format(value); }

function unit(value, name) { return number(value, { style: "unit", unit: name, unitDisplay: "short", maximumFractionDigits: 1 }); }

const SAID = {
  share: (value) => number(value, { style: "percent", maximumFractionDigits: 1 }),
  yen: (value) => `¥${number(value, { maximumSignificantDigits: value < 100 ? 3 : 6 })}`,
  seconds: (value) => value < 60 ? unit(value, "second") : value < 3600 ? unit(value / 60, "minute")
    : value < 86400 ? unit(value / 3600, "hour") : unit(value / 86400, "day"),
};

// A colour as the theme of the moment makes it: of the page's own text, or of a line's sample in the legend.
function colour(element) { return getComputedStyle(element).color; }

function scaleOf(chart) {
  const values = chart.lines.flat().filter((value) => value !== null);
  if (chart.unit === "share") return { y: { range: [0, 1] } };
  // Costs and times lie far apart: equal steps stand for equal ratios, unless there is a nothing among them.
  const steps = STEPS[chart.unit], least = Math.min(...values), most = Math.max(...values);
  if (!values.length || least <= 0) return { y: { range: [0, most > 0 ? most * 1.1 : 1] } };
  return { y: { distr: 3, range: [steps.findLast((step) => step <= least) ?? least, steps.find((step) => step >= most) ?? most] } };
}

function mark(plot) {
  const { ctx, bbox } = plot, soft = colour(plot.root), ratio = devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = soft;
  ctx.lineWidth = ratio;
  ctx.font = `600 ${11 * ratio}px system-ui, sans-serif`;
  ctx.textAlign = "center";
  for (const [day, named] of changes) {
    const x = Math.round(plot.valToPos(day, "x", true));
    ctx.setLineDash([2 * ratio, 3 * ratio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.fillText(String(named), x, bbox.top - 4 * ratio);
  }
  ctx.restore();
}

function draw(place) {
  const chart = charts[place.dataset.chart], section = place.closest("section"), read = section.querySelector(".read");
  const samples = [...section.querySelectorAll(".legend svg")], told = read.textContent;
  const labels = samples.map((sample) => sample.parentElement.textContent);
  const text = () => colour(section.querySelector("h3"));
  const line = () => getComputedStyle(section).borderTopColor;
  const scales = { x: { time: false, range: [-0.5, days.length - 0.5] }, ...scaleOf(chart) };
  const steps = scales.y.distr === 3 && { splits: () => STEPS[chart.unit], filter: (plot, splits) =>
    splits.map((value) => value >= plot.scales.y.min && value <= plot.scales.y.max ? value : null) };
  const plot = new uPlot({
    width: place.clientWidth, height: HEIGHT, legend: { show: false }, padding: [20, 8, 0, 0],
    cursor: { drag: { x: false, y: false }, y: false },
    scales,
    series: [{}, ...chart.lines.map((values, at) => ({
      label: labels[at], stroke: () => colour(samples[at]), width: 2, dash: DASHES[at],
      points: { show: values.filter((value) => value !== null).length < 40, size: 5, fill: () => colour(samples[at]) },
    }))],
    axes: [
      { stroke: text, grid: { show: false }, ticks: { stroke: line }, incrs: [1, 2, 7, 14, 28, 56], space: 44,
        values: (_, splits) => splits.map((at) => short[at] ?? "") },
      { stroke: text, grid: { stroke: line, width: 1 }, ticks: { stroke: line }, size: 64,
        values: (_, splits) => splits.map((value) => value === null ? "" : SAID[chart.unit](value)), ...steps },
    ],
    hooks: {
      draw: [mark],
      setCursor: [({ cursor: { idx } }) => {
        read.textContent = idx === null || idx === undefined ? told : [days[idx], ...chart.lines.map((values, at) =>
          `${labels[at]} ${values[idx] === null ? "–" : SAID[chart.unit](values[idx])}`)].join(" · ");
      }],
    },
  }, [days.map((_, at) => at), ...chart.lines], place);
  place.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -days.length, End: days.length }[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const from = plot.cursor.idx ?? (step > 0 ? -1 : days.length);
    const at = Math.min(Math.max(from + step, 0), days.length - 1);
    plot.setCursor({ left: plot.valToPos(at, "x"), top: 0 });
  });
  new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: place.clientWidth < NARROW ? 200 : HEIGHT })).observe(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plot.redraw());
  place.dataset.drawn = "";
}

document.querySelectorAll("[data-chart]").forEach(draw);
