#include "report/html.hpp"

#include <algorithm>

#include "core/text.hpp"
#include "report/svg.hpp"

namespace syn::report {

namespace {

// Colours 0 to 5 keep apart in deuteranopia and protanopia, and in grey by their lightness; checked on both grounds.
// No '<' and '&' in here: it is text of an XML element, too.
constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--ink:#10182a;--soft:#475569;--faint:#8491a5;--rule:#e2e7ee;
--grid:#e9edf2;--lane:#f5f7fa;--window:#e8eef8;--c0:#2f6bde;--c1:#d9730d;--c2:#0f9d7a;--c3:#8b46d6;--c4:#c2335c;--c5:#64748b}
@media (prefers-color-scheme:dark){:root{--page:#0b1020;--card:#131a2c;--ink:#eaf0fa;--soft:#aab6c9;--faint:#75839b;
--rule:#26304a;--grid:#202a42;--lane:#161e33;--window:#1d2944;--c0:#6fa3ff;--c1:#ffab4a;--c2:#3fd6ad;--c3:#bf90ff;
--c4:#ff7f9f;--c5:#94a3b8}}
@media print{:root{color-scheme:light;--page:#fff;--card:#fff;--ink:#000;--soft:#333;--faint:#666;--rule:#ccc;--grid:#ddd;
--lane:#f5f5f5;--window:#e6ecf6;--c0:#2f6bde;--c1:#d9730d;--c2:#0f9d7a;--c3:#8b46d6;--c4:#c2335c;--c5:#64748b}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,
"Noto Sans","DejaVu Sans",sans-serif;-webkit-text-size-adjust:100%}
main{max-width:1060px;margin:0 auto;padding:36px 22px 60px}
header .kicker{font-size:12px;font-weight:600;letter-spacing:.14em;text-transform:uppercase;color:var(--c1)}
h1{font-size:31px;line-height:1.2;letter-spacing:-.015em;margin:5px 0 4px;overflow-wrap:anywhere}
header p{color:var(--soft);margin:0 0 22px;max-width:46em}
h2{font-size:19px;letter-spacing:-.01em;margin:0 0 2px}
section{margin-top:40px}
section .lead{color:var(--soft);margin:0 0 14px;max-width:52em}
.columns{display:grid;gap:16px;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr));align-items:stretch}
.sample{display:grid;gap:16px;grid-template-columns:200px minmax(0,1fr);align-items:start}
.card.after{margin-top:16px}.pair{display:grid;gap:24px;grid-template-columns:minmax(0,3fr) minmax(0,2fr);align-items:center}
.stack{display:grid;gap:16px}
figure,.card{margin:0;background:var(--card);border:1px solid var(--rule);border-radius:12px;padding:14px 16px;min-width:0}
figure h3{font-size:14px;margin:0 0 8px}
figcaption,.note{font-size:12.5px;line-height:1.5;color:var(--soft);margin:8px 0 0}
.plot svg{display:block;width:100%;height:auto}
.wide{overflow-x:auto}.wide svg{min-width:680px}
.tiles{display:grid;gap:12px;grid-template-columns:repeat(auto-fit,minmax(152px,1fr))}
.tile{background:var(--card);border:1px solid var(--rule);border-radius:12px;padding:12px 14px}
.tile .name{font-size:12px;color:var(--soft)}
.tile .value{font-size:25px;font-weight:650;letter-spacing:-.02em;font-variant-numeric:tabular-nums;white-space:nowrap}
.tile .unit{font-size:14px;font-weight:500;color:var(--soft);margin-left:3px}
.tile .detail{font-size:12px;color:var(--soft)}
.tile:first-child{border-color:var(--c1)}
dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:3px 18px;margin:0;font-size:13px}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere;font-family:ui-monospace,"SF Mono",Menlo,Consolas,
"DejaVu Sans Mono",monospace;font-size:12.5px}
.table{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:13px;font-variant-numeric:tabular-nums}
th{font-weight:600;color:var(--soft);text-align:left;border-bottom:1px solid var(--rule);padding:5px 16px 5px 0;
vertical-align:bottom}
td{border-bottom:1px solid var(--grid);padding:5px 16px 5px 0;white-space:nowrap}
tr:last-child td{border-bottom:0}
.r{text-align:right}td svg{display:block;width:96px;height:20px}
details summary{cursor:pointer;font-weight:600;font-size:13.5px}
footer{margin-top:44px;border-top:1px solid var(--rule);padding-top:14px;font-size:12.5px;color:var(--soft)}
svg{font:11.5px system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif}
svg text{fill:var(--soft)}
.tick{fill:var(--soft);font-variant-numeric:tabular-nums}.label{fill:var(--faint)}
.key,.note{fill:var(--soft)}.group{fill:var(--ink);font-weight:600;font-size:12px}
.value{fill:var(--ink);font-weight:600;font-variant-numeric:tabular-nums}
svg .group,svg .value{fill:var(--ink)}svg .label{fill:var(--faint)}
.grid{stroke:var(--grid);stroke-width:1}.axis{stroke:var(--faint);stroke-width:1}
.c0{--c:var(--c0)}.c1{--c:var(--c1)}.c2{--c:var(--c2)}.c3{--c:var(--c3)}.c4{--c:var(--c4)}.c5{--c:var(--c5)}
.fill{fill:var(--c)}.stroke{stroke:var(--c);fill:none}.faint{opacity:.55}
.curve{stroke-width:2.2;stroke-linejoin:round;stroke-linecap:round}.dot{stroke:var(--card);stroke-width:1.5}
.spike{stroke-width:1.4}.band{fill:var(--faint);opacity:.13}
.reference{stroke:var(--ink);stroke-width:1.4;stroke-dasharray:5 4}
.mark{fill:var(--ink)}.markline{stroke:var(--ink);stroke-width:1.2;stroke-dasharray:3 3;opacity:.75}
.lane{fill:var(--lane)}.window{fill:var(--window)}
.box{fill:var(--lane);stroke:var(--c0);stroke-width:1.4}.outside{stroke:var(--faint);stroke-dasharray:4 3}
.arrow{fill:none;stroke:var(--c1);opacity:.85}.head{fill:var(--c1)}
.w1{stroke-width:1.4}.w2{stroke-width:2.2}.w3{stroke-width:3.2}.w4{stroke-width:4.2}.w5{stroke-width:5.2}
.halo{paint-order:stroke;stroke:var(--card);stroke-width:4px;stroke-linejoin:round}
.pixels svg{display:block;width:100%;height:auto;border-radius:6px;shape-rendering:crispEdges}
@media (max-width:680px){main{padding:20px 14px 40px}h1{font-size:25px}.sample{grid-template-columns:1fr}.stack{grid-template-columns:1fr 1fr}
.tiles{grid-template-columns:repeat(2,minmax(0,1fr))}.tile .value{font-size:21px}.pair{grid-template-columns:1fr;gap:4px}dl{grid-template-columns:1fr;gap:0}
dt{margin-top:6px}figure,.card{padding:12px}}
@media print{main{max-width:none;padding:0}section{break-inside:avoid;margin-top:22px}figure,.card,.tile{break-inside:avoid}
body{font-size:12px;print-color-adjust:exact;-webkit-print-color-adjust:exact}.wide,.table{overflow:visible}
.wide svg{min-width:0}}
)";

bool numeric(std::string_view s) {
  if (s.empty() || s == "–") return true;
  if (s[0] == '-' || s[0] == '+') s.remove_prefix(1);
  const std::size_t digits = std::min(s.find_first_not_of("0123456789.,"), s.size());
  constexpr std::size_t kUnit = 5;  // " µJ" and the like; words are no units
  return digits > 0 && s.size() - digits < kUnit;
}

}  // namespace

std::string document(std::string_view title, std::string_view html) {
  return text::cat(
      "<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n",
      "<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n",
      "<link rel=\"icon\" href=\"data:,\"/>\n<title>", escape(title), "</title>\n<style>", kStyle,
      "</style>\n</head>\n<body>\n<main>\n", html, "</main>\n</body>\n</html>\n");
}

std::string section(std::string_view id, std::string_view heading, std::string_view lead, std::string_view html) {
  return text::cat("<section id=\"", escape(id), "\">\n<h2>", escape(heading), "</h2>\n",
                   lead.empty() ? std::string() : text::cat("<p class=\"lead\">", escape(lead), "</p>\n"), html,
                   "</section>\n");
}

std::string figure(std::string_view svg_html, std::string_view heading, std::string_view caption, bool wide) {
  return text::cat("<figure>", heading.empty() ? std::string() : text::cat("<h3>", escape(heading), "</h3>"),
                   "<div class=\"plot", wide ? " wide" : "", "\">", svg_html, "</div>",
                   caption.empty() ? std::string() : text::cat("<figcaption>", escape(caption), "</figcaption>"),
                   "</figure>\n");
}

std::string columns(const std::vector<std::string>& html) {
  std::string out = "<div class=\"columns\">\n";
  for (const std::string& h : html) out += h;
  return out + "</div>\n";
}

std::string note(std::string_view text) {
  return text::cat("<p class=\"note\">", escape(text), "</p>\n");
}

std::string tiles(const std::vector<Tile>& tiles) {
  std::string out = "<div class=\"tiles\">\n";
  for (const Tile& t : tiles) {
    out += text::cat("<div class=\"tile\"><div class=\"name\">", escape(t.name), "</div><div class=\"value\">",
                     escape(t.value),
                     t.unit.empty() ? std::string() : text::cat("<span class=\"unit\">", escape(t.unit), "</span>"),
                     "</div><div class=\"detail\">", escape(t.detail), "</div></div>\n");
  }
  return out + "</div>\n";
}

std::string facts(const std::vector<Fact>& facts) {
  std::string out = "<dl>\n";
  for (const Fact& f : facts) out += text::cat("<dt>", escape(f.name), "</dt><dd>", escape(f.value), "</dd>\n");
  return out + "</dl>\n";
}

std::string HtmlTable::str() const {
  std::vector<bool> right(heads_.size(), true);
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size() && i < right.size(); ++i) {
      if (row[i].is_html || !numeric(row[i].text)) right[i] = false;
    }
  }
  const auto cell = [&](const char* tag, std::size_t i, std::string_view html) {
    return text::cat("<", tag, i < right.size() && right[i] && !rows_.empty() ? " class=\"r\"" : "", ">", html, "</",
                     tag, ">");
  };
  std::string out = "<div class=\"table\"><table><thead><tr>";
  for (std::size_t i = 0; i < heads_.size(); ++i) out += cell("th", i, escape(heads_[i]));
  out += "</tr></thead><tbody>\n";
  for (const auto& row : rows_) {
    out += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i)
      out += cell("td", i, row[i].is_html ? row[i].text : escape(row[i].text));
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

}  // namespace syn::report
