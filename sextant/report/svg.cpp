#include "sextant/report/svg.h"

#include "sextant/base/check.h"
#include "sextant/base/hash.h"
#include "sextant/base/number_text.h"
#include "sextant/report/text.h"

namespace sextant::svg {
namespace {

constexpr std::string_view kStyle =
    ".sxd{font:14px system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;color:#1d2026;"
    "color-scheme:light dark}"
    ".sxd text{fill:currentColor}.sxd .t{font-size:17px;font-weight:650}.sxd .m{fill-opacity:.74}"
    ".sxd .bg,.sxd .hollow{fill:#fff}.sxd image{image-rendering:pixelated}"
    ".sxd .ov{paint-order:stroke;stroke:#fff;stroke-width:4px;stroke-linejoin:round}"
    ".sxd .k0{color:#0072b2}.sxd .k1{color:#d55e00}.sxd .k2{color:#009e73}.sxd .k3{color:#aa4499}.sxd "
    ".k4{color:#bd8400}"
    ".sxd .k5{color:#33a6d9}.sxd .k6{color:#882255}.sxd .k7{color:#6b6e76}.sxd .k8{color:#8a8f1c}.sxd "
    ".k9{color:#3b2f9b}"
    "@media screen and (prefers-color-scheme:dark){.sxd{color:#e6e7ea}.sxd .bg,.sxd .hollow{fill:#181b20}.sxd "
    ".ov{stroke:#181b20}"
    ".sxd .k0{color:#5aaff0}.sxd .k1{color:#ff8d52}.sxd .k2{color:#2fcb9c}.sxd .k3{color:#dd8fd3}.sxd "
    ".k4{color:#efc052}"
    ".sxd .k5{color:#a4defc}.sxd .k6{color:#e3739d}.sxd .k7{color:#a9acb5}.sxd .k8{color:#c6d060}.sxd "
    ".k9{color:#9592f5}}"
    "@media screen and (max-width:540px){.sxd{font-size:17px}.sxd .t{font-size:19px}}";

}  // namespace

std::string number(double value) {
  std::string text = fixed(value, 2);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

std::string text(double x, double y, std::string_view anchor, std::string_view css_class, std::string_view content) {
  return concat("<text class=\"", css_class, "\" x=\"", number(x), "\" y=\"", number(y), "\" text-anchor=\"", anchor,
                "\">", escape_xml(content), "</text>");
}

std::string title_lines(std::string_view title, double width, double& y) {
  std::string out;
  for (const std::string& line : wrap(title, static_cast<size_t>(width / kTitleCharacter), 3)) {
    out += text(14, y + 14, "start", "t", line);
    y += kTitleLine;
  }
  return out;
}

std::string document(double width, double height, std::string_view title, std::string_view description,
                     std::string_view body) {
  // Names of elements are shared by the whole page, so they carry a hash of the drawing.
  const std::string id = concat("sx", std::hex, fnv1a(body, fnv1a(title)));
  const std::string w = number(width), h = number(height);
  return concat("<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"sxd\" viewBox=\"0 0 ", w, " ", h, "\" width=\"", w,
                "\" height=\"", h, "\" role=\"img\" aria-labelledby=\"", id, "t ", id, "d\"><title id=\"", id, "t\">",
                escape_xml(title.empty() ? "Figure" : title), "</title><desc id=\"", id, "d\">",
                escape_xml(description), "</desc><style>", kStyle, "</style><rect class=\"bg\" width=\"", w,
                "\" height=\"", h, "\" rx=\"8\"/>", body, "</svg>");
}

}  // namespace sextant::svg
