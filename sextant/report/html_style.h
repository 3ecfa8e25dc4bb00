// The one style sheet of all pages: a column of text that reads well on a phone and on a desk, in the light and in the
// dark, and on paper. Colours are named once; the dark scheme renames them.
#pragma once

namespace sextant {

inline constexpr char kPageStyle[] = R"css(
:root{color-scheme:light dark;--page:#f7f6f3;--card:#fff;--text:#1d2026;--soft:#5c626d;--line:#e1dfd9;--link:#0b5cad;
--good:#0b6b46;--good-bg:#dcf3e7;--bad:#a3241b;--bad-bg:#fbe2df;--idle:#565c67;--idle-bg:#e9e8e4;--warn:#6d4500;--warn-bg:#ffedc7;--warn-line:#e2a72e}
@media screen and (prefers-color-scheme:dark){:root{--page:#101215;--card:#181b20;--text:#e6e7ea;--soft:#a0a6b1;--line:#2c3038;--link:#7fb8f5;
--good:#6fdcab;--good-bg:#123626;--bad:#ff9c92;--bad-bg:#431a17;--idle:#b3b8c2;--idle-bg:#2a2e36;--warn:#ffd48a;--warn-bg:#3a2b0c;--warn-line:#a2761b}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--text);font:17px/1.62 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:46rem;margin:0 auto;padding:2.2rem 1.25rem 4rem}
main.wide{max-width:70rem}
a{color:var(--link);text-decoration-thickness:1px;text-underline-offset:.18em}
h1{font-size:2rem;line-height:1.2;letter-spacing:-.015em;margin:.3rem 0 .8rem;text-wrap:balance}
h2{font-size:1.28rem;line-height:1.3;letter-spacing:-.005em;margin:2.6rem 0 .7rem}
p{margin:0 0 1rem;text-wrap:pretty;overflow-wrap:break-word}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.86em}
code{background:var(--idle-bg);padding:.1em .32em;border-radius:4px;overflow-wrap:anywhere}
pre{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:.8rem 1rem;overflow-x:auto;line-height:1.5;margin:0 0 1rem}
.question{font-size:1.12rem;color:var(--soft);margin-bottom:1.2rem}
.back{font-size:.9rem}
.facts{display:flex;flex-wrap:wrap;gap:.4rem;margin:0 0 1.6rem;padding:0;list-style:none;font-size:.83rem;color:var(--soft)}
.facts li{background:var(--card);border:1px solid var(--line);border-radius:999px;padding:.12rem .7rem}
.alarm{background:var(--warn-bg);color:var(--warn);border:1px solid var(--warn-line);border-left-width:6px;border-radius:8px;padding:.75rem 1rem;margin:0 0 1.4rem}
.alarm strong{display:block;font-size:1.12rem}
figure{margin:1.8rem 0;break-inside:avoid}
.frame{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:.5rem;text-align:center;overflow:hidden}
.frame svg{display:block;width:100%;height:auto}
.frame img{display:block;margin:0 auto;max-width:100%;height:auto;image-rendering:pixelated}
figcaption{font-size:.88rem;line-height:1.5;color:var(--soft);padding:.6rem .2rem 0;text-align:left}
.data{white-space:nowrap}
.scroll{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:12px;padding:.3rem .9rem .7rem}
table{border-collapse:collapse;width:100%;font-size:.92rem;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.48rem .7rem;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:600;color:var(--soft);font-size:.85rem;vertical-align:bottom}
tbody tr:last-child td{border-bottom:0}
th:first-child,td:first-child{padding-left:.2rem;min-width:7rem}th:last-child,td:last-child{padding-right:.2rem}
.num{text-align:right;white-space:nowrap}
.claims{list-style:none;margin:1.2rem 0;padding:0;background:var(--card);border:1px solid var(--line);border-radius:12px}
.claims li{display:grid;grid-template-columns:5.6rem 1fr;gap:.2rem .6rem;padding:.75rem 1rem;border-bottom:1px solid var(--line);break-inside:avoid}
.claims li:last-child{border-bottom:0}
.claims .numbers{grid-column:2;color:var(--soft);font-size:.88rem;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.badge{display:inline-block;justify-self:start;align-self:start;border-radius:999px;padding:.1rem .65rem;font-size:.78rem;line-height:1.5;font-weight:650;white-space:nowrap}
.holds{color:var(--good);background:var(--good-bg)}.fails{color:var(--bad);background:var(--bad-bg)}
.not-run,.full{color:var(--idle);background:var(--idle-bg)}.smoke,.quick{color:var(--warn);background:var(--warn-bg);box-shadow:inset 0 0 0 1px var(--warn-line)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.3rem 1.2rem;margin:0 0 1rem;font-size:.92rem}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,19rem),1fr));gap:1.1rem;margin:1.6rem 0;padding:0;list-style:none}
.card{display:flex;flex-direction:column;background:var(--card);border:1px solid var(--line);border-radius:12px;overflow:hidden;break-inside:avoid}
.card .thumb{display:flex;align-items:center;justify-content:center;height:11.5rem;border-bottom:1px solid var(--line);overflow:hidden;padding:.5rem;color:var(--soft);font-size:.88rem}
.card .thumb svg,.card .thumb img{display:block;width:100%;height:100%;object-fit:contain;image-rendering:pixelated}
.card .words{padding:.85rem 1rem 1rem;display:flex;flex-direction:column;gap:.45rem;flex:1}
.card h2{margin:0;font-size:1.06rem}.card h2 a{color:inherit;text-decoration:none}.card h2 a:hover{text-decoration:underline}
.card p{margin:0;font-size:.9rem;line-height:1.5;color:var(--soft)}
.card .tally{margin-top:auto;padding-top:.3rem;display:flex;flex-wrap:wrap;gap:.35rem}
@media (max-width:540px){body{font-size:16px}main{padding:1.3rem .95rem 3rem}h1{font-size:1.6rem}h2{margin-top:2.1rem}
.frame{padding:.2rem}.claims li{grid-template-columns:1fr}.claims .numbers{grid-column:1}pre{white-space:pre-wrap;overflow-wrap:anywhere}dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.5rem}}
@media print{body{font-size:10.5pt;background:#fff}main,main.wide{max-width:none;padding:0}.frame,.scroll,.claims,.facts li,pre{border-color:#ccc}.back{display:none}
.frame svg,.frame img{max-width:13cm;margin:0 auto}*{-webkit-print-color-adjust:exact;print-color-adjust:exact}h2{break-after:avoid}pre{white-space:pre-wrap}}
)css";

}  // namespace sextant
