/// How the page looks: light and dark, wide and narrow, on paper.
enum PageStyle {
  static let text = Markup(
    """

    :root {
      --paper: #fbfaf7; --card: #ffffff; --ink: #1d1f23; --soft: #5d626b; --rule: #dcd9d1;
      --good: #17663a; --good-paper: #e6f2e9; --bad: #a3201f; --bad-paper: #fae7e5;
      --thin: #7a5200; --thin-paper: #fbf0d6; --link: #0b4f9e; --code: #f2f0ea;
      --exact: #1d1f23; --found: #c2410c; --mono: ui-monospace, "DejaVu Sans Mono", Menlo, monospace;
    }
    @media screen and (prefers-color-scheme: dark) {
      :root {
        --paper: #15171a; --card: #1d2024; --ink: #e8e6e1; --soft: #a3a8b0; --rule: #363a40;
        --good: #7ed69b; --good-paper: #17301f; --bad: #ff9d94; --bad-paper: #3f1c1b;
        --thin: #f0c465; --thin-paper: #392c10; --link: #8fc0ff; --code: #25292e;
        --exact: #e8e6e1; --found: #ff9a5c;
      }
    }
    * { box-sizing: border-box; }
    html { scroll-padding-top: 1rem; }
    body {
      margin: 0; background: var(--paper); color: var(--ink);
      font: 16px/1.5 system-ui, "Liberation Sans", "DejaVu Sans", sans-serif;
    }
    header, main, footer { max-width: 76rem; margin: 0 auto; padding: 0 1.25rem; }
    header { padding-top: 1.5rem; }
    a { color: var(--link); }
    a:focus-visible, button:focus-visible, summary:focus-visible, .scroll:focus-visible {
      outline: 3px solid var(--link); outline-offset: 2px;
    }
    .skip { position: absolute; left: -999rem; }
    .skip:focus { left: 1rem; top: 1rem; background: var(--card); padding: .5rem 1rem; }
    .brand { margin: 0; color: var(--soft); font-family: var(--mono); font-size: .9rem; }
    h1 { font-size: 1.6rem; line-height: 1.25; margin: .25rem 0 1rem; }
    h1.verdict { border-left: .4rem solid; padding: .5rem 0 .5rem 1rem; }
    h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; }
    h3 { font-size: 1.1rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
    h4 { font-size: .95rem; margin: 1.25rem 0 .4rem; }
    .good { color: var(--good); } .bad { color: var(--bad); } .thin { color: var(--thin); }
    .none { color: var(--soft); }
    .facts { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: 0 0 1rem; }
    .facts div { min-width: 5rem; }
    dt, .label, .legend, .evidence { color: var(--soft); font-size: .85rem; }
    .label { margin: 0; }
    .legend span { margin-right: .9rem; white-space: nowrap; }
    .legend .wide { white-space: normal; }
    .facts dd { margin: 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
    .reasons { background: var(--thin-paper); padding: .75rem 1rem .75rem 2rem; margin: 1rem 0; }
    nav { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin-top: 1rem; }
    .command { display: flex; gap: .5rem; align-items: stretch; margin: .25rem 0; }
    .command pre {
      flex: 1; min-width: 0; margin: 0; padding: .55rem .75rem; background: var(--code);
      border-radius: .3rem; white-space: pre-wrap; overflow-wrap: anywhere;
    }
    pre, code { font-family: var(--mono); font-size: .85rem; }
    button {
      font: inherit; font-size: .85rem; padding: .3rem .8rem; border-radius: .3rem; cursor: pointer;
      border: 1px solid var(--rule); background: var(--card); color: var(--ink); min-width: 5.5rem;
    }
    .scroll { position: relative; overflow-x: auto; max-width: 100%; }
    table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
    th, td { text-align: left; padding: .3rem .7rem; border-bottom: 1px solid var(--rule); }
    th { font-weight: 600; vertical-align: top; }
    thead th { color: var(--soft); font-weight: 500; font-size: .85rem; white-space: nowrap; }
    td { vertical-align: top; }
    .matrix { background: var(--card); border: 1px solid var(--rule); }
    .matrix td { white-space: nowrap; border-left: 1px solid var(--rule); }
    .matrix td.good { background: var(--good-paper); }
    .matrix td.bad { background: var(--bad-paper); }
    .matrix td.thin { background: var(--thin-paper); }
    .matrix td > a, .matrix td > span:first-child { display: block; font-weight: 600; }
    .matrix td.bad a { color: var(--bad); } .matrix td.thin a { color: var(--thin); }
    .matrix tr.first > * { border-top: 2px solid var(--rule); }
    .matrix tbody th { white-space: nowrap; }
    .matrix tbody th[scope=row] { font-weight: 500; }
    article {
      background: var(--card); border: 1px solid var(--rule); border-top: .25rem solid var(--bad);
      border-radius: .3rem; padding: 1rem 1.25rem 1.25rem; margin: 1rem 0 2rem;
    }
    article .subject { color: var(--soft); font-weight: 500; }
    .headline { margin: .25rem 0; overflow-wrap: anywhere; }
    .compare td { font-family: var(--mono); }
    .compare .exact td { font-weight: 700; }
    .compare .found { background: var(--bad-paper); }
    .compare td span { font-family: system-ui, sans-serif; font-size: .85rem; }
    .why { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1rem; margin: 1rem 0; }
    .why dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; }
    .number { font-family: var(--mono); text-align: right; white-space: nowrap; }
    .stages .decides { background: var(--thin-paper); }
    .mark { color: inherit; font-weight: 600; white-space: nowrap; }
    .values { margin: 0; white-space: pre; }
    .tensors td:nth-child(2), .tensors td:nth-child(3) { white-space: nowrap; }
    .plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 1.5rem; margin: 1.25rem 0; }
    figure { margin: 0; min-width: 0; }
    figcaption { font-size: .85rem; color: var(--soft); margin-bottom: .4rem; }
    svg { max-width: 100%; height: auto; }
    .staircase { width: 100%; font: 12px system-ui, sans-serif; }
    .staircase text { fill: var(--soft); }
    .line-exact { fill: none; stroke: var(--exact); stroke-width: 5; stroke-opacity: .3; }
    .line-found { fill: none; stroke: var(--found); stroke-width: 1.8; stroke-dasharray: 5 3; }
    .dot { fill: var(--found); } .dot.wrong { stroke: var(--card); stroke-width: .6; }
    .cross { fill: none; stroke: var(--found); stroke-width: 1.8; }
    .differs { fill: var(--bad); fill-opacity: .12; }
    .failing { fill: none; stroke: var(--bad); stroke-width: 1.4; stroke-dasharray: 1 3; stroke-linecap: round; }
    .staircase .failing-label { fill: var(--bad); font-weight: 600; stroke: var(--card); stroke-width: 4px; paint-order: stroke; }
    .grid { stroke: var(--rule); stroke-width: .7; } .axis { fill: none; stroke: var(--soft); }
    .histogram { width: 100%; }
    .histogram th { white-space: nowrap; } .histogram .number { width: 1%; }
    .bar-cell { width: 60%; vertical-align: middle; }
    .bar { display: block; height: .8rem; min-width: 2px; }
    .bar.wrong { background: var(--found); }
    .bar.right { background: none; border: 2px solid var(--good); }
    details { margin: .5rem 0; } summary { cursor: pointer; padding: .25rem 0; overflow-wrap: anywhere; }
    details.coverage { border-bottom: 1px solid var(--rule); margin: 0; }
    .bins td { text-align: center; } .bins td.bad { background: var(--bad-paper); font-weight: 600; }
    .required { color: var(--soft); font-weight: 400; font-size: .8rem; }
    .tails { width: 11rem; max-width: none; height: .6rem; display: block; margin: .3rem auto 0; }
    .tails .on { fill: var(--good); } .tails .off { fill: var(--soft); }
    .json { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--code); padding: .75rem; }
    .rows th { white-space: nowrap; } .rows td { overflow-wrap: anywhere; }
    .hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
    .matrix td .evidence { display: block; }
    footer { color: var(--soft); font-size: .85rem; padding-top: 2rem; padding-bottom: 3rem; }
    @media (max-width: 40rem) {
      header, main, footer { padding-left: .75rem; padding-right: .75rem; }
      h1 { font-size: 1.3rem; } article { padding: .75rem; }
      .command { flex-direction: column; } .command button { align-self: flex-start; }
      .why { grid-template-columns: 1fr; gap: 0 0; } .why dd { margin-bottom: .6rem; }
    }
    @media print {
      :root { --paper: #fff; }
      button, nav, .skip { display: none; } article, tr, figure { break-inside: avoid; }
      .scroll { overflow: visible; } body { font-size: 11px; }
    }

    """)
}
