/** Light and dark by the reader's setting; nothing is loaded from anywhere. */
export const pageStyle: string = `
:root { color-scheme: light dark; --back: #fbfbfa; --text: #1c2024; --dim: #667079; --line: #e3e5e8; --card: #fff; --even: #f4f5f6;
  --ok: #cfe8d5; --ok-line: #3c8d57; --fail: #f5d2d0; --fail-line: #c0453d; --info: #f6e6bd; --info-line: #a97d16;
  --nemesis: #dcd9f2; --nemesis-line: #6c63b5; --accent: #b3261e; --good: #2d7a46; --unsure: #8f6a0a; }
@media (prefers-color-scheme: dark) { :root { --back: #16181b; --text: #e4e7ea; --dim: #98a2ab; --line: #2c3136; --card: #1d2024; --even: #1a1d20;
  --ok: #1f4a2e; --ok-line: #5bb37a; --fail: #5a2522; --fail-line: #e0736b; --info: #4d3d12; --info-line: #d3a63c;
  --nemesis: #332f57; --nemesis-line: #9c94e0; --accent: #ff7a70; --good: #6cc78b; --unsure: #e0b95a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 14px/1.5 system-ui, sans-serif; }
header, main { padding: 20px 24px 0; } header > *, main > :not(#view) { max-width: 1352px; margin-inline: auto; }
h1 { font-size: 20px; margin-block: 0 4px; } h1 .valid { color: var(--good); } h1 .invalid { color: var(--accent); } h1 .undecided { color: var(--unsure); }
.about, .note { color: var(--dim); margin-block: 0 8px; }
.counts { list-style: none; display: flex; flex-wrap: wrap; gap: 6px; padding: 0; margin-block: 8px 16px; }
.counts li { border: 1px solid var(--line); border-radius: 999px; padding: 1px 10px; background: var(--card); } .counts b { font-variant-numeric: tabular-nums; }
.anomaly { border: 1px solid var(--line); border-left: 4px solid transparent; border-radius: 6px; background: var(--card); padding: 10px 14px; margin-block: 0 10px; cursor: pointer; }
.anomaly.shown { border-left-color: var(--accent); } .anomaly h2 { font-size: 15px; margin: 0; color: var(--accent); } .anomaly p { margin: 2px 0 8px; }
.anomaly:not(.shown) ol { display: none; }
ol { margin: 0; padding-left: 24px; font: 12.5px/1.6 ui-monospace, monospace; overflow-wrap: anywhere; } ol .where, ol .why { color: var(--dim); } ol .why { display: block; }
.tools { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 16px; margin-block: 14px 6px; color: var(--dim); }
.tools button { font: inherit; color: var(--text); background: var(--card); border: 1px solid var(--line); border-radius: 5px; padding: 1px 10px; cursor: pointer; }
.key::before { content: ''; display: inline-block; width: 14px; height: 12px; border-radius: 3px; margin-right: 6px; vertical-align: -1px; border: 1px solid; }
.key.ok::before { background: var(--ok); border-color: var(--ok-line); } .key.fail::before { background: var(--fail); border-color: var(--fail-line); }
.key.info::before { background: var(--info); border: 1px dashed var(--info-line); } .key.nemesis::before { background: var(--nemesis); border-color: var(--nemesis-line); }
.key.hit::before { background: none; border: 2px solid var(--accent); }
#view { overflow: auto; max-height: 75vh; border: 1px solid var(--line); border-radius: 6px; background: var(--card); cursor: grab; margin-bottom: 24px; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
#view.dragging { cursor: grabbing; user-select: none; }
svg text { font: 12px ui-monospace, monospace; fill: var(--text); } .lane { fill: none; } .lane.even { fill: var(--even); } .lane-name { fill: var(--dim); } .names-back { fill: var(--card); stroke: var(--line); }
.bar rect { stroke-width: 1.5; } .bar.ok rect { fill: var(--ok); stroke: var(--ok-line); } .bar.fail rect { fill: var(--fail); stroke: var(--fail-line); }
.bar.info rect { fill: var(--info); stroke: var(--info-line); stroke-dasharray: 5 3; } .bar.nemesis rect { fill: var(--nemesis); stroke: var(--nemesis-line); }
.has-anomaly .bar:not(.hit) { opacity: .45; } .has-anomaly .bar:hover { opacity: 1; } .bar.hit rect { stroke: var(--accent); stroke-width: 4; stroke-dasharray: none; }
.story { display: none; pointer-events: none; } .story.shown { display: inline; } .arrow { fill: none; stroke: var(--accent); stroke-width: 1.75; pointer-events: stroke; } #tip path { fill: var(--accent); }
.badge circle { fill: var(--accent); } .badge text { fill: var(--card); text-anchor: middle; font-weight: 600; font-size: 10px; }
`;
