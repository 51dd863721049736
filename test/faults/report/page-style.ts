/** Light and dark by the reader's setting; nothing is loaded from anywhere. */
export const pageStyle: string = `
:root { color-scheme: light dark; --back: #fafaf8; --text: #1b1f23; --dim: #66707a; --line: #e2e4e7; --card: #fff; --grid: #eceef0;
  --good: #2c7a48; --bad: #b5281f; --unsure: #8a6508; --ok: #4f9d69; --fail: #d7685f; --info: #d7a33a; --fault: #6d63b8; --grave: #b4437f;
  --p50: #3575b5; --p99: #c77a1c; --max: #a9b0b7; --n0: #3575b5; --n1: #c77a1c; --n2: #3f8f5c; --n3: #8a5fb0; --n4: #b8475f; }
@media (prefers-color-scheme: dark) { :root { --back: #15171a; --text: #e3e6e9; --dim: #97a1ab; --line: #2d3237; --card: #1c1f23; --grid: #262a2f;
  --good: #6cc78b; --bad: #ff7d72; --unsure: #e2bb5c; --ok: #4c9a67; --fail: #d0635b; --info: #c8962f; --fault: #8d84dc; --grave: #d8689f;
  --p50: #69a7e3; --p99: #e3a04d; --max: #5d666f; --n0: #5b97d2; --n1: #d18f3f; --n2: #5aa878; --n3: #a57fcb; --n4: #d1697f; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1320px; padding: 28px 24px 60px; background: var(--back); color: var(--text); font: 14px/1.5 system-ui, sans-serif; }
h1 { font-size: 24px; margin: 0; } h1 .held { color: var(--good); } h1 .violated { color: var(--bad); }
h2 { font-size: 16px; margin: 34px 0 8px; } .about, .note { color: var(--dim); margin: 2px 0 10px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 10px; margin: 18px 0 0; padding: 0; list-style: none; }
.tiles li { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px 14px; color: var(--dim); font-size: 12.5px; }
.tiles b { display: block; color: var(--text); font-size: 20px; font-weight: 600; font-variant-numeric: tabular-nums; }
.panel { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 14px 14px 10px; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; } th { text-align: left; color: var(--dim); font-weight: 500; font-size: 12.5px; }
th, td { padding: 5px 12px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top; } tr:last-child td { border-bottom: 0; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; } td.group { color: var(--dim); } td.name { white-space: nowrap; }
.word { font-weight: 600; white-space: nowrap; } .word.held { color: var(--good); } .word.violated { color: var(--bad); } .word.undecided { color: var(--unsure); }
td ul { margin: 4px 0 0; padding-left: 18px; color: var(--bad); overflow-wrap: anywhere; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; color: var(--dim); font-size: 12.5px; margin: 0 0 8px; }
.legend span::before { content: ''; display: inline-block; width: 11px; height: 11px; border-radius: 3px; margin-right: 6px; vertical-align: -1px; background: var(--of); }
.legend span.striped::before { background: repeating-linear-gradient(45deg, var(--bad) 0 2px, transparent 2px 5px); }
svg { display: block; width: 100%; height: auto; } svg text { fill: var(--dim); font: 11.5px system-ui, sans-serif; }
svg text.title { fill: var(--text); font-weight: 600; } svg text.in-bar { fill: #fff; font-size: 10.5px; } svg .grid { stroke: var(--grid); }
.bar.fault { fill: var(--fault); } .bar.grave { fill: var(--grave); } .bar.unconfirmed { stroke: var(--bad); stroke-width: 2; } .band { fill: var(--fault); opacity: .09; } .band.grave { fill: var(--grave); opacity: .12; }
.area.ok { fill: var(--ok); } .area.failed { fill: var(--fail); } .area.unknown { fill: var(--info); }
.curve { fill: none; stroke-width: 1.75; stroke-linejoin: round; } .curve.p50 { stroke: var(--p50); } .curve.p99 { stroke: var(--p99); } .dot.max { fill: var(--max); }
.node0 { fill: var(--n0); } .node1 { fill: var(--n1); } .node2 { fill: var(--n2); } .node3 { fill: var(--n3); } .node4 { fill: var(--n4); } .nobody { fill: url(#stripes); } #stripes path { stroke: var(--bad); stroke-width: 1.5; }
.dot.gap { fill: var(--fault); fill-opacity: .55; stroke: var(--fault); } .dot.gap.grave { fill: var(--grave); stroke: var(--grave); } .mark { stroke: var(--dim); stroke-dasharray: 3 3; } .axis { stroke: var(--dim); }
#cursor { stroke: var(--text); stroke-width: 1; opacity: .7; visibility: hidden; } #timeline:hover #cursor, #timeline:focus #cursor { visibility: visible; }
#timeline { cursor: crosshair; } #reading { min-height: 21px; margin: 8px 0 0; font-variant-numeric: tabular-nums; color: var(--dim); } #reading b { color: var(--text); font-weight: 600; }
:focus-visible { outline: 2px solid var(--p50); outline-offset: 3px; border-radius: 4px; }
details { background: var(--card); border: 1px solid var(--line); border-left: 4px solid var(--bad); border-radius: 8px; padding: 10px 14px; margin: 0 0 10px; }
details.plain { border-left-color: var(--line); } summary { cursor: pointer; font-weight: 600; } details .why { margin: 6px 0; }
iframe { width: 100%; height: 640px; border: 1px solid var(--line); border-radius: 6px; margin-top: 8px; background: var(--card); }
@media print { iframe { display: none; } }
`;
