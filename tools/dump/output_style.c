/*
 * The style sheet of pages. One column that a telephone can hold; light, dark and on paper; colours that people tell
 * apart however they see them (after Okabe and Ito, "Color Universal Design", 2008), lighter on a dark ground.
 */
#include "output_private.h"

#define LIGHT                                                                                                 \
    "--ground:#fff;--card:#f6f7f9;--ink:#1a202b;--soft:#5a6372;--line:#e2e5ea;--grid:#edeff2;--tint:#cfe3f3;" \
    "--track:#f4f6f8;--heat:8 81 156;--high:#fff;"                                                            \
    "--s0:#0b6cb3;--s1:#d55e00;--s2:#00845f;--s3:#b6568e;--s4:#a87400;--s5:#2f97d0;"
#define DARK                                                                                                     \
    "--ground:#14171c;--card:#1c2027;--ink:#e6e9ee;--soft:#9aa4b2;--line:#2e343d;--grid:#252a32;--tint:#1f4a6e;" \
    "--track:#1b1f26;--heat:86 170 245;--high:#0b1017;"                                                          \
    "--s0:#56aaf0;--s1:#ff9457;--s2:#2fc79a;--s3:#e495c4;--s4:#f0b429;--s5:#8fd0f5;"

const char page_style[] =
    ":root{color-scheme:light dark;" LIGHT "}\n"
    "@media(prefers-color-scheme:dark){:root{" DARK "}}\n"
    "@media print{:root{color-scheme:light;" LIGHT "}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--ground);color:var(--ink);"
    "font:16px/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,\"Helvetica Neue\",Arial,sans-serif;"
    "-webkit-text-size-adjust:100%}\n"
    "main{max-width:58rem;margin:0 auto;padding:2.5rem 1.5rem 3rem}\n"
    "h1{font-size:1.9rem;line-height:1.2;letter-spacing:-.015em;margin:0 0 .6rem;overflow-wrap:anywhere}\n"
    "h2{font-size:1.15rem;line-height:1.3;margin:0 0 1rem;overflow-wrap:anywhere}\n"
    "header p{margin:.35rem 0;max-width:44rem}\n"
    ".facts{display:flex;flex-wrap:wrap;gap:.75rem 2.25rem;margin:1.4rem 0 0;padding:1rem 0 0;"
    "border-top:1px solid var(--line)}\n"
    ".facts dt{font-size:.8rem;color:var(--soft)}\n"
    ".facts dd{margin:0;font-weight:500;overflow-wrap:anywhere}\n"
    "section{margin:2.75rem 0 0}\n"
    ".soft,footer{color:var(--soft);font-size:.875rem}\n"
    "footer{margin-top:3rem;padding-top:1rem;border-top:1px solid var(--line)}\n"
    "code{font:.85em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;background:var(--card);padding:.1em .35em;"
    "border-radius:3px;overflow-wrap:anywhere}\n"
    /* figures alone */
    ".tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(9.5rem,1fr));gap:.75rem;margin:0}\n"
    ".tiles div{background:var(--card);border-radius:8px;padding:.8rem 1rem}\n"
    ".tiles dt{color:var(--soft);font-size:.8rem;line-height:1.3;margin-bottom:.25rem}\n"
    ".tiles dd{margin:0;font-size:1.45rem;font-weight:600;line-height:1.25;letter-spacing:-.01em;"
    "font-variant-numeric:tabular-nums;overflow-wrap:anywhere}\n"
    ".tiles dd.text{font-size:1rem;letter-spacing:0}\n"
    /* tables */
    ".rows{overflow:auto;max-height:30rem;border:1px solid var(--line);border-radius:8px;margin:1.25rem 0 0}\n"
    "table{border-collapse:separate;border-spacing:0;width:100%;font-size:.875rem;line-height:1.4}\n"
    "th{position:sticky;top:0;background:var(--card);text-align:left;font-weight:600;white-space:nowrap;"
    "border-bottom:1px solid var(--line)}\n"
    "th,td{padding:.45rem .9rem;vertical-align:top}\n"
    "tbody tr+tr>*{border-top:1px solid var(--grid)}\n"
    "td{unicode-bidi:plaintext;white-space:pre-wrap;overflow-wrap:anywhere;min-width:4rem}\n"
    "td.brief{white-space:nowrap}\n"
    "td.long{min-width:16rem}\n"
    ".n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}\n"
    ".none{color:var(--soft)}\n"
    /* cohorts */
    ".cohort{border-spacing:2px;width:auto;min-width:100%}\n"
    ".cohort th,.cohort td{padding:.4rem .55rem;border:0;white-space:nowrap;min-width:0}\n"
    ".cohort tbody tr+tr>*{border:0}\n"
    ".cohort tbody th{background:var(--ground);font-weight:500;position:sticky;left:0}\n"
    ".cohort thead th{background:var(--ground);color:var(--soft);font-weight:500}\n"
    ".cohort .h{text-align:center;border-radius:3px;background:rgb(var(--heat)/var(--a));"
    "font-variant-numeric:tabular-nums}\n"
    ".cohort .high{color:var(--high)}\n"
    ".cohort thead .h{background:none;text-align:center}\n"
    /* charts */
    ".chart{display:block;overflow:visible;margin-left:var(--left);width:calc(100% - var(--left))}\n"
    ".chart text{font-size:12px;fill:var(--soft);font-variant-numeric:tabular-nums}\n"
    ".chart .value{fill:var(--ink);font-size:11.5px}\n"
    ".chart .on{fill:var(--ink);font-size:13px}\n"
    ".chart .figure{font-weight:600}\n"
    ".chart .note{fill:var(--soft);font-weight:400}\n"
    ".grid{stroke:var(--grid)}.axis{stroke:var(--line)}\n"
    ".track{fill:var(--track)}.tint{fill:var(--tint)}\n"
    ".area{fill:var(--s0);opacity:.1}\n"
    "polyline{fill:none;stroke-width:2px;stroke-linejoin:round;stroke-linecap:round;vector-effect:non-scaling-stroke}\n"
    ".l0{stroke:var(--s0)}.l1{stroke:var(--s1)}.l2{stroke:var(--s2)}.l3{stroke:var(--s3)}.l4{stroke:var(--s4)}"
    ".l5{stroke:var(--s5)}\n"
    ".b0,.d0,.p0{fill:var(--s0);background:var(--s0)}.b1,.d1,.p1{fill:var(--s1);background:var(--s1)}"
    ".b2,.d2,.p2{fill:var(--s2);background:var(--s2)}.b3,.d3,.p3{fill:var(--s3);background:var(--s3)}"
    ".b4,.d4,.p4{fill:var(--s4);background:var(--s4)}.b5,.d5,.p5{fill:var(--s5);background:var(--s5)}\n"
    "circle[class^=d]{stroke:var(--ground);stroke-width:1.5px}\n"
    "circle[class^=p]{fill-opacity:0}circle:hover{fill-opacity:1}\n"
    ".legend{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;margin:0 0 .5rem;font-size:.875rem;color:var(--soft)}\n"
    ".legend i{display:inline-block;width:.75rem;height:.75rem;border-radius:3px;margin-right:.4rem;"
    "vertical-align:-.05rem}\n"
    ".narrow{display:none}\n"
    "@media(max-width:40rem){main{padding:1.5rem 1rem "
    "2rem}h1{font-size:1.5rem}.wide{display:none}.narrow{display:inline}"
    "section{margin-top:2.25rem}.tiles{grid-template-columns:repeat(auto-fill,minmax(8rem,1fr))}"
    "th,td{padding:.4rem .6rem}}\n"
    "@media print{main{max-width:none;padding:0}body{font-size:12px}.rows{max-height:none;overflow:visible;border:0}"
    "th{position:static}tr,.chart,.tiles div{break-inside:avoid}h2{break-after:avoid}"
    "*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}\n";
