// What all drawings share: the frame of an SVG document with its name for screen readers, and the one style sheet. The
// style works inlined in a page and in a file of its own, in the light and in the dark, wide and on a phone. Colours
// are classes .k0 to .k9 that set `color`, drawn as currentColor, so that renderers without CSS variables show them
// too.
#pragma once

#include <string>
#include <string_view>

namespace sextant::svg {

inline constexpr int kColours = 10;  // told apart by colour-blind readers: after Okabe and Ito (2008) and Tol

// Widths that layout reckons with, in units of the drawing: an average character at the largest size that the style
// uses.
inline constexpr double kCharacter = 8.8, kTitleCharacter = 10, kLine = 21, kTitleLine = 25;

// The whole document around `body`. `title` and `description` are plain text.
std::string document(double width, double height, std::string_view title, std::string_view description,
                     std::string_view body);

// A coordinate with at most two decimals, as short as possible.
std::string number(double value);

// <text class= x= y= text-anchor=>…</text>, the text escaped. `anchor`: start, middle or end.
std::string text(double x, double y, std::string_view anchor, std::string_view css_class, std::string_view content);

// The title in lines from `y` downwards; moves `y` below it. An empty title draws nothing.
std::string title_lines(std::string_view title, double width, double& y);

}  // namespace sextant::svg
